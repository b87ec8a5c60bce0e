"""How access begins and ends: accounts, passwords, sessions, in transactions with their events."""
