"""What all tests share."""

pytest_plugins = ["tests.fixtures.fakes", "tests.fixtures.service"]
