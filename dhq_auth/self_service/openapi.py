"""What `/openapi.json` says of the routes of one's own account."""

UPDATE = {"summary": "Choose a username, once"}
RESOLVE = {"summary": "Which user has a username"}
GET_PROFILE = {"summary": "What everybody may know of a user"}
LOGOUT = {"summary": "End what is presented"}
