"""The provisioning schema of Microsoft Entra ID → mappings and scope of an app.

The schema is Microsoft Graph's synchronizationSchema; the portal's export is the same. `document` reads it, `names`,
`expression`, `mapping` and `scoping` translate it part by part, `overlay` leaves out what the gallery says too, and
`written` makes files of it.
"""
