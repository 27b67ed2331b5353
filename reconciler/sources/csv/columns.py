"""Which column is which attribute: as somebody says, else by its heading, in the words of common HR systems."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from reconciler.desired.findings import closest, shown
from reconciler.errors import UsageError
from reconciler.model.directory import GRAPH_ATTRIBUTES

Dates = Literal["ymd", "dmy", "mdy"]
"""The order of day, month and year where a date is written with slashes or dots."""

OWN: Final = ("id", "from", "until")
"""What a column may be besides an attribute."""
NAMES: Final[Mapping[str, str]] = {
    "id": "id",
    "userPrincipalName": "user principal name, upn, user name, username, login, login name, sign in name, benutzername",
    "mail": "mail, primary work email, work email, work email address, business email, company "
    "email, corporate email, work contact work email, email work, email, e mail, email "
    "address, e mail address, mail address, primary email, e mail adresse, mailadresse, "
    "adresse e mail, courriel, correo electronico",
    "mailNickname": "mail nickname, alias, mail alias",
    "otherMails": "other mails, other emails, alternate emails",
    "givenName": "given name, preferred first name, first name, firstname, legal first name, forename, "
    "vorname, prenom, nombre",
    "surname": "surname, preferred last name, last name, lastname, legal last name, family name, "
    "nachname, familienname, nom de famille, nom, apellidos, apellido",
    "displayName": "display name, preferred name, full name, employee name, worker name, legal name, "
    "name, worker, anzeigename, nom complet",
    "accountEnabled": "account enabled, active, is active, active status, enabled, worker status, employee "
    "status, position status, account status, user status, status, employment status, "
    "aktiv, actif, statut",
    "employeeId": "employee id, employee number, employee no, employee code, emp id, emp no, worker id, "
    "personnel number, personnel no, person number, person id, associate id, staff id, "
    "staff number, file number, payroll number, user id, userid, personalnummer, pers nr, "
    "mitarbeiternummer, mitarbeiter id, matricule, numero de empleado",
    "employeeType": "employee type, worker type, employment type, contract type, beschaftigungsart, type de contrat",
    "employeeHireDate": "employee hire date, hire date, hired, date hired, start date, original hire date, "
    "date of hire, joining date, date of joining, eintrittsdatum, eintritt, date d "
    "embauche, fecha de ingreso",
    "employeeLeaveDateTime": "employee leave date time, termination date, leave date, last day of work, last day, "
    "last working day, end date, exit date, date of leaving, austrittsdatum, austritt, "
    "date de depart, fecha de baja",
    "jobTitle": "job title, business title, position title, job title description, title, position, "
    "job, role, stellenbezeichnung, titel, fonction, poste, puesto, cargo",
    "department": "department, department name, home department description, dept, division, team, "
    "supervisory organization, abteilung, service, departement, departamento",
    "companyName": "company name, company, legal entity, organization, organisation, employer, firma, societe, empresa",
    "manager": "manager, manager id, manager email, manager employee id, manager user principal "
    "name, manager upn, manager name, line manager, line manager id, line manager email, "
    "reports to, reports to associate id, reporting to, reports to email, supervisor, "
    "supervisor id, supervisor email, vorgesetzter, vorgesetzte, responsable",
    "officeLocation": "office location, office, work location, location, site, location name, standort, "
    "bureau, oficina",
    "streetAddress": "street address, street, address, address line 1, work address, strasse, rue, direccion",
    "city": "city, town, work city, ort, stadt, ville, ciudad",
    "state": "state, province, region, state province, work state, bundesland, provincia",
    "postalCode": "postal code, zip, zip code, postcode, plz, postleitzahl, code postal, codigo postal",
    "country": "country, work country, country region, country or region, land, pays, pais",
    "usageLocation": "usage location",
    "mobilePhone": "mobile phone, mobile, mobile number, cell phone, cell, work mobile, handy, mobiltelefon, portable",
    "businessPhones": "business phones, business phone, work phone, office phone, phone, phone number, "
    "telephone, telephone number, biz phone, work phone number, telefon, telefonnummer, "
    "telefono",
    "faxNumber": "fax number, fax, telefax",
    "preferredLanguage": "preferred language, language, locale, preferred locale, sprache, langue, idioma",
    "timeZone": "time zone, timezone, zeitzone, fuseau horaire",
}
"""Attribute → headings that mean it, the surest first."""

_BRACKETS: Final = re.compile(r"\[[^\]]*\]|\([^)]*\)")
_CAMEL: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


def folded(heading: str) -> str:
    """How headings are compared: `E-Mail [Required]`, `E-mail` and `e_mail` are the same."""
    if heading.isascii() and heading.isalpha() and heading.islower():
        return heading
    bare = _BRACKETS.sub(" ", heading)
    split = _CAMEL.sub(" ", bare if any(c.isalnum() for c in bare) else heading)
    letters = (
        c
        for c in unicodedata.normalize("NFKD", split.replace("#", "number").casefold())
        if not unicodedata.combining(c)
    )
    return "".join(c for c in letters if c.isalnum())


def _ranks(names: Mapping[str, str]) -> dict[str, tuple[str, int]]:
    found: dict[str, tuple[str, int]] = {}
    for attribute, headings in names.items():
        for rank, heading in enumerate(headings.split(", ")):
            found.setdefault(folded(heading), (attribute, rank))
    return found


_RANKS: Final = _ranks(NAMES) | {
    folded(name): (name, 0) for name in GRAPH_ATTRIBUTES if name.startswith("extensionAttribute")
}


@dataclass(frozen=True, slots=True)
class Told:
    """What somebody says of one column. Without attributes it is not used."""

    heading: str
    attributes: tuple[str, ...]
    active: frozenset[str] = frozenset()
    """Words, folded, that mean an enabled account, besides the common ones."""
    inactive: frozenset[str] = frozenset()
    dates: Dates | None = None
    where: str = "--column"


@dataclass(frozen=True, slots=True)
class Column:
    """One that is used."""

    number: int
    """From 0."""
    heading: str
    attributes: tuple[str, ...]
    guessed: bool
    told: Told | None = None


@dataclass(frozen=True, slots=True)
class Columns:
    used: tuple[Column, ...]
    unused: tuple[str, ...]
    """Headings."""

    @property
    def attributes(self) -> frozenset[str]:
        return frozenset(name for column in self.used for name in column.attributes)


def recognized(row: Sequence[str], told: Collection[str], custom: Collection[str]) -> int:
    """How many cells are headings: those that somebody named count most."""
    own = {folded(name) for name in custom}
    keys = {folded(cell) for cell in row if 0 < len(cell) <= 100}
    return 100 * len({cell.strip() for cell in row} & set(told)) + sum(key in _RANKS or key in own for key in keys)


def choose(headings: Sequence[str], told: Iterable[Told], custom: Collection[str]) -> Columns:
    """The columns that are used, in the order of the file. `custom`: attributes of the organization's own.

    Raises UsageError with everything that is wrong with what was told.
    """
    said = list(told)
    wrong = list(_wrong(headings, said, custom))
    if wrong:
        raise UsageError("\n".join(wrong))
    by_heading = {one.heading: one for one in said}
    found: dict[int, Column] = {}
    taken: set[str] = set()
    for number, heading in enumerate(headings):
        if (one := by_heading.get(heading)) is not None:
            taken.update(one.attributes)
            if one.attributes:
                found[number] = Column(number, heading, one.attributes, guessed=False, told=one)
    guesses: dict[str, tuple[int, int]] = {}
    own = {folded(name): name for name in custom}
    for number, heading in enumerate(headings):
        if heading in by_heading or not heading:
            continue
        attribute, rank = _guess(heading, own)
        if attribute and attribute not in taken:
            guesses[attribute] = min(guesses.get(attribute, (rank, number)), (rank, number))
    twice = sorted({headings[n] for _, n in guesses.values() if headings.count(headings[n]) > 1})
    if twice:
        raise UsageError(
            "\n".join(f"two columns are called `{shown(heading)}`" for heading in twice),
            hint="give one of them another heading: which one is meant can't be told",
        )
    for attribute, (_, number) in guesses.items():
        found[number] = Column(number, headings[number], (attribute,), guessed=True)
    unused = tuple(heading for number, heading in enumerate(headings) if number not in found and heading)
    return Columns(tuple(found[number] for number in sorted(found)), unused)


def _guess(heading: str, own: Mapping[str, str]) -> tuple[str, int]:
    key = folded(heading)
    return (own[key], 0) if key in own else _RANKS.get(key, ("", 0))


def _wrong(headings: Sequence[str], said: Sequence[Told], custom: Collection[str]) -> Iterable[str]:
    known = (*OWN, *GRAPH_ATTRIBUTES, *custom)
    columns: dict[str, Told] = {}
    takers: dict[str, Told] = {}
    for one in said:
        if one.heading not in headings:
            near = closest(one.heading, [heading for heading in headings if heading])
            yield f"{one.where}: there is no column `{shown(one.heading)}`" + _meant(near, headings)
        elif headings.count(one.heading) > 1:
            yield f"{one.where}: two columns are called `{shown(one.heading)}`: give one of them another heading"
        if one.heading in columns:
            yield f"{one.where}: the column `{shown(one.heading)}` is named twice"
        columns[one.heading] = one
        for attribute in one.attributes:
            if attribute not in known:
                near = closest(attribute, known)
                hint = f"; did you mean `{near}`?" if near else ", and reconciler.yaml declares none of this name"
                yield f"{one.where}: there is no attribute `{shown(attribute)}`{hint}"
            elif attribute in takers:
                first = takers[attribute].heading
                yield f"{one.where}: `{attribute}` comes from `{shown(first)}` already"
            takers[attribute] = one


def _meant(near: str, headings: Sequence[str]) -> str:
    if near:
        return f"; did you mean `{shown(near)}`?"
    names = [f"`{shown(heading)}`" for heading in headings[:20] if heading]
    return f"; there are {', '.join(names)}" + (", …" if len(headings) > 20 else "")
