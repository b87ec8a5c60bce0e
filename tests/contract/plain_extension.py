"""An extension as they were written for dhq-auth 0.1.6."""

greeted = []


def on_new_user(user_info):  # without annotations, as those modules are
    greeted.append(user_info)
