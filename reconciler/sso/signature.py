"""Who signed the metadata (XML Signature 1.1; saml-metadata-2.0-os section 3). Pure, given bytes.

By the certificate that stands in the signature itself a signature proves only that nothing was changed since: whoever
can change a file can sign it anew. Only a pinned certificate tells who it was.
"""

from __future__ import annotations

import warnings
from typing import Final
from xml.etree.ElementTree import Element

from reconciler.model.sso import Certificate, Signed
from reconciler.sso.certificates import BadCertificate, from_base64

_DS: Final = "{http://www.w3.org/2000/09/xmldsig#}"
_WEAK: Final = {"sha1": "SHA-1", "md5": "MD5"}
"""In the name of an algorithm: both collide."""


def signature_of(
    data: bytes, root: Element, entity: Element, pinned: Certificate | None
) -> tuple[Signed, bytes | None]:
    """(what it is worth, the bytes that it covers; None: none). `data` was parsed to `root`, without entities; a
    signature counts on the root and on `entity`, and nowhere else.
    """
    over = next((each for each in (root, entity) if each.find(f"{_DS}Signature") is not None), None)
    signature = None if over is None else over.find(f"{_DS}Signature")
    if over is None or signature is None:
        return Signed("none"), None
    tags = (f"{_DS}SignatureMethod", f"{_DS}DigestMethod")
    methods = [each.get("Algorithm", "").lower() for tag in tags for each in signature.iter(tag)]
    for name, shown in _WEAK.items():
        if any(name in method for method in methods):
            return Signed("weak", shown), None
    certificate = pinned
    if certificate is None:
        text = signature.findtext(f"{_DS}KeyInfo/{_DS}X509Data/{_DS}X509Certificate")
        if text is None:
            return Signed("unchecked", "it names no certificate"), None
        try:
            certificate = from_base64(text)
        except BadCertificate as bad:
            return Signed("wrong", f"its certificate {bad}"), None
    why, covered = _verified(data, "./" if over is root else ".//", certificate)
    if covered is None:
        return Signed("wrong", why), None
    return Signed("itself" if pinned is None else "pinned", certificate.subject), covered


def _verified(data: bytes, location: str, certificate: Certificate) -> tuple[str, bytes | None]:
    """(why not, what it covers)."""
    from signxml.exceptions import SignXMLException
    from signxml.verifier import SignatureConfiguration, XMLVerifier

    # whether the certificate holds today is told beside this, and is another question
    config = SignatureConfiguration(location=location, verification_time=certificate.begins)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of cryptography, about what else is in the certificate
            result = XMLVerifier().verify(data, x509_cert=certificate.pem, id_attribute="ID", expect_config=config)
    except SignXMLException:
        return "it was not made with that certificate, or something was changed since", None
    except Exception as error:
        return f"it can't be checked ({type(error).__name__})", None
    if isinstance(result, list) or not result.signed_data:
        return "it covers nothing", None
    return "", result.signed_data
