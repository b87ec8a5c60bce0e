"""What `/openapi.json` says of the routes of a login."""

CHECK = {"summary": "Who presents this credential, or where one can log in"}
LOGIN = {"summary": "Send the browser to a login provider"}
CALLBACK = {"summary": "Where the login providers send the browser back to"}
EXCHANGE = {"summary": "Redeem a one-time login code"}
