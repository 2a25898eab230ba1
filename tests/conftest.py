"""Fixtures of all suites; they live in the installed package so that every suite can import what they return."""

pytest_plugins = ["chat_testing.plugin"]
