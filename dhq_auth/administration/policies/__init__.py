"""Policies over HTTP: managed by those whom the policies on `auth_policies` let, asked by all."""
