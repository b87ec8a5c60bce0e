"""A small service whose rows belong to its users: who may see which, dhq-auth says.

`python -m examples.notes` serves it. Whatever a request wants to do, the service asks once for the
decision and has it enforced: by conditions on its statements (`guards.Filters`, on any database),
or by PostgreSQL itself (`guards.RowLevelSecurity`). Nothing else in it knows what the rules are.
"""
