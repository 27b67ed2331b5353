"""What keys mean, for somebody who points at one in an editor. Keys with a docstring in the models are not here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

_WINDOW: Final = {
    "from": "The first day on which it holds, or the time with an offset from which it does.",
    "until": "The last day on which it holds, or the time with an offset at which it ends.",
}
_SHARED: Final = {
    "id": "Never changes. Left out, it is the file's name without .yaml; in a list it must be there.",
    "accounts": "App → the id of this very one there, when attributes can't tell.",
}

PERSON: Final[Mapping[str, str]] = {
    **_SHARED,
    "from": "The first day on which this person has any access.",
    "until": "The last day on which this person has any access.",
    "kind": "`service` and `shared` accounts need an `owner`, and are not part of `everyone`. Left out: person.",
    "owner": "The id of the person who answers for a service or shared account.",
    "accountEnabled": "false: the account is deactivated, whatever else the file says. Left out: true.",
    "formerly": "Earlier attributes, or an earlier `id`: the account is found after a rename.",
    "userPrincipalName": "The name to sign in with, such as ada@contoso.com.",
    "mail": "The work e-mail address.",
    "mailNickname": "The part of the e-mail address before the @.",
    "otherMails": "A list of further e-mail addresses.",
    "givenName": "First name.",
    "surname": "Family name.",
    "displayName": "The name as others see it.",
    "preferredLanguage": "A language tag, such as en-GB.",
    "usageLocation": "Two letters of a country, such as DE: where licences are used.",
    "department": "Such as Marketing. Rules and filters often ask for it.",
    "jobTitle": "Such as Editor.",
    "companyName": "Of people from elsewhere: their company.",
    "employeeId": 'The personnel number, in quotes: "001051" is text, and 001051 is a number.',
    "employeeType": "Such as Employee or Contractor.",
    "employeeHireDate": "The first day at work, such as 2026-12-01. Gives and takes no access: `from` does.",
    "employeeLeaveDateTime": "The last day at work. Gives and takes no access: `until` does.",
    "officeLocation": "Where somebody sits.",
    "streetAddress": "Street and number.",
    "city": "City.",
    "state": "State or province.",
    "postalCode": "In quotes if it is a number.",
    "country": "Such as GB.",
    "mobilePhone": 'In quotes: "+49 30 1234".',
    "businessPhones": 'A list of numbers, each in quotes: ["+49 30 1234"].',
    "faxNumber": "In quotes.",
    "manager": "The id of another person.",
    "timeZone": "An IANA name, such as Europe/London.",
    **{f"extensionAttribute{n}": "One of fifteen attributes for the organization's own use." for n in range(1, 16)},
}
"""Of a file in users/."""

GROUP: Final[Mapping[str, str]] = {
    **_SHARED,
    "displayName": "The name that the application's group gets.",
    "description": "For readers, and for `groupFilters`.",
    "sensitive": "true: no nested groups, no rules, and every gain stands at the top of the plan.",
    "formerly": "Earlier names (`displayName`), or an earlier `id`: the group is renamed, not made again.",
    "members": "Ids of people; or `user`, or `group` whose members count too; with `from`, `until` and a `reason`.",
    "rules": "People who match any of them count as members too.",
}
"""Of a file in groups/."""

MEANINGS: Final[Mapping[str, Mapping[str, str]]] = {
    "Member": {
        "user": "The id of a person.",
        "group": "The id of a group: its members count, at any depth.",
        "reason": "For readers of the plan.",
        **_WINDOW,
    },
    "App": {
        "gallery": "The application, as `reconciler gallery` calls it; scim for any other.",
        "tenantUrl": "The address of the SCIM service: https, or http on this machine.",
        "auth": "Who we are there. Secrets are named, never written: `bearer: {env: NAME}`.",
        "provisioning": "false: can be planned, and nothing is applied but revocations.",
        "scope": "Who gets an account: exactly one of `assigned` and `everyone: true`, narrowed by filters.",
        "groups": "Which groups become groups of the app: assigned, all, none, or a list of ids.",
        "deprovision": "What happens to people and groups that we provisioned and that left scope.",
        "unmanaged": "What happens to what we never provisioned and nobody in scope matches.",
        "drift": "What is done about what somebody changed in the application.",
        "ignore": "Accounts and groups that are never touched: clauses on the application's attributes.",
        "guardrails": "How much may happen in one run before somebody has to say yes.",
        "order": "leaversLast: people who leave are dealt with at the end.",
        "notify": "Whom to tell of what needs a person.",
        "sso": "How people sign in, to find who can't.",
    },
    "Auth": {
        "bearer": "The token, as a reference: {env: NAME}, {file: PATH}, {command: [PROGRAM]}, {keyring: NAME/NAME}.",
        "clientCredentials": "What gets tokens by itself (OAuth 2.0). Not beside `bearer`.",
        "mutualTls": "A certificate that is shown to the application.",
    },
    "ClientCredentials": {
        "tokenUrl": "The token endpoint: https, or http on this machine.",
        "clientId": "How the client is called there.",
        "clientSecret": "Its secret, as a reference; or `privateKey`.",
        "privateKey": "A key in PEM form, as a reference: it signs who we are (RFC 7523).",
        "scope": "What is asked for.",
    },
    "MutualTls": {"key": "Of the certificate, as a reference."},
    "SecretReference": {
        "env": "The name of a variable.",
        "file": "A path inside of the desired state, kept out of git.",
        "command": "[PROGRAM, ARGUMENT…]: prints the secret alone.",
    },
    "Scope": {
        "everyone": "true: all persons, and with `groups: assigned` all groups.",
        "assigned": "Groups and single people.",
        "exclude": "Ids of people who get no account all the same.",
        "filters": "One of these must hold of a person; each is a list of clauses that must all hold.",
        "groupFilters": "The same about groups.",
    },
    "Assigned": {
        "groups": "Whoever is in these groups; an id, or {group: ID, roles: […], from: …, until: …}.",
        "users": "Single people; an id, or {user: ID, roles: […], from: …, until: …}.",
        "exclude": "Ids of people who get no account, whatever groups they are in.",
    },
    "AssignedGroup": {"group": "The id of a group."},
    "AssignedUser": {
        "user": "The id of a person.",
        "roles": "What they have in the application.",
    },
    "Clause": {
        "attribute": "Of the person or group. `IS MEMBER OF` has none.",
        "operator": "EQUALS, ENDS_WITH, Includes, REGEX MATCH, IS NULL … Upper and lower case matter.",
        "value": "What is compared with; none for IS TRUE, IS FALSE, IS NULL and IS NOT NULL.",
    },
    "Not": {"not": "A clause that must not hold. A missing attribute does not make it true."},
    "WrittenRule": {"all": "Clauses, every one of which must hold."},
    "WrittenRules": {"rules": GROUP["rules"]},
    "Deprovision": {
        "users": "deactivate, delete or keep.",
        "groups": "delete, empty or keep.",
    },
    "Unmanaged": {
        "users": "Accounts: report, ignore, or deprovision, which needs `guardrails.actsAs`.",
        "groups": "Groups: report, ignore, empty or delete.",
        "members": "Such accounts inside groups of ours: report or remove.",
    },
    "Drift": {
        "takenAway": "What somebody took away in the application: hold asks, repair gives it back.",
        "given": "What somebody gave there: repair takes it away, hold asks.",
    },
    "Ignore": {"users": "Any of these clauses.", "groups": "Any of these clauses."},
    "Guardrails": {
        "deprovisionUsers": "People who lose their account.",
        "deleteGroups": "Groups that are deleted or emptied.",
        "renameUsers": "Changes of userName or e-mail, the names that people sign in with.",
        "updateUsers": "People with any change of attributes.",
        "clearAttributes": "Values that are emptied.",
        "createUsers": "New accounts. Left out: no limit.",
        "protected": "Never removed and never renamed.",
    },
    "Limit": {
        "count": "Held when there are more than that.",
        "percent": "Held when it is a greater part than that.",
        "ignoreBelow": "Never held with fewer than that.",
    },
    "Protected": {
        "users": "Ids of people, or clauses on the application's attributes.",
        "groups": "Ids of groups, or clauses on the application's attributes.",
    },
    "Notify": {"email": "Mail to people.", "webhook": "A POST to an address."},
    "Email": {"from": "An address.", "to": "A list of addresses.", "smtp": "The mail server."},
    "Smtp": {
        "host": "A name or an address alone.",
        "port": "465: TLS from the first byte; every other: STARTTLS.",
        "user": "Who we are there, as a reference. Both or neither.",
        "password": "As a reference.",
    },
    "Webhook": {
        "url": "A reference to the address: who knows it could write there.",
        "form": "json, or slack for what Slack's incoming webhooks take.",
    },
    "Mapping": {
        "target": 'An attribute of the application: a SCIM path, such as userName or emails[type eq "work"].value.',
        "source": "The attribute of the person or group that it comes from.",
        "constant": "The same value for everybody.",
        "expression": 'A value that is computed, such as Join(" ", [givenName], [surname]).',
        "none": "true: what the gallery maps to this target is not mapped.",
        "apply": "onCreate: written once, with the new account. Left out: always.",
        "whenNull": "clear: no value empties it. Left out: skip, the application keeps what it has.",
    },
    "Mappings": {
        "replace": "true: starts from nothing instead of from the gallery's mappings.",
        "users": "Laid over the gallery's by target: the same target replaces, `none: true` removes.",
        "groups": "The same for groups.",
    },
    "Case": {
        "id": "What this example shows.",
        "expression": "One expression alone; or `user` or `inputs` for all user mappings.",
        "user": "The id of a person, with whom every user mapping is run.",
        "target_has": "Values that other accounts have already, for SelectUniqueValue.",
    },
    "Settings": {
        "history": "For how long the history is kept.",
        "attributes": "Attributes of people that are your own: name → type and multiValued.",
    },
    "CustomAttribute": {
        "type": "string, boolean, integer, date (YYYY-MM-DD), or reference (the id of a person).",
        "multiValued": "true: a list of them.",
    },
}  # fmt: skip
"""Model → key → meaning."""
