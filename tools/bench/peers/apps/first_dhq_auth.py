"""The server of dhq-auth 0.1.6; called by itself it ends a login as its callback does."""

# mypy: ignore-errors
import os

from auth import make_blueprint
from auth.controllers import _get_token_from_profile
from flask import Flask
from flask_cors import CORS

app = Flask(__name__)
CORS(app)
app.register_blueprint(make_blueprint(os.environ["EXTERNAL_ADDRESS"]), url_prefix="/auth/")

if __name__ == "__main__":
    profile = {"id": "1", "name": "Bench", "email": "bench@example.com"}
    token = _get_token_from_profile("google", profile, os.environ["PRIVATE_KEY"])
    print(token.decode())
