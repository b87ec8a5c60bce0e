"""Make the people of a Canaille: `canaille_users.py NAME... PASSWORD`."""

# mypy: ignore-errors
import sys

from canaille import create_app
from canaille.app import models
from canaille.backends import Backend

*names, password = sys.argv[1:]
app = create_app()
with app.app_context(), Backend.instance.session():
    for name in names:
        user = models.User(user_name=name, family_name=name, emails=[f"{name}@example.com"])
        user.password = password
        Backend.instance.save(user)
