"""Where it is shown that this service does what those do that it replaces: an index.

The numbers are those of the acceptance cases of the systems before: S of Open Sesame, R of rest-go,
H of Hypothesis, A of the 0x02 session API.
"""

import ast
from functools import cache
from pathlib import Path
from typing import Final

import pytest

HERE = Path(__file__).parent

BY_POLICY: Final = (
    "policies/test_resolve.py::test_the_policies_of_the_system_before_say_what_they_said",
)

SHOWN: Final[dict[str, tuple[str, ...]]] = {
    # Accounts and API tokens.
    "S1": ("cli/test_user.py::test_a_user_is_added_with_a_hash_and_the_password_is_nowhere",),
    "S2": ("cli/test_user.py::test_what_breaks_the_rules_is_refused_and_nothing_is_written",),
    "S3": ("cli/test_user.py::test_two_passwords_that_differ_are_refused",),
    "S4": ("cli/test_user.py::test_what_is_there_already_is_refused_clearly",),
    "S5": ("cli/test_user.py::test_two_users_have_two_opaque_ids",),
    "S6": (
        "self_service/test_tokens_by_password.py::test_name_and_password_make_one_without_a_session",
    ),
    "S7": (
        "self_service/test_tokens_by_password.py::test_a_wrong_password_and_an_unknown_name_are_told_alike",
        "login/test_password_login.py::test_a_wrong_password_and_an_unknown_user_are_answered_alike",
    ),
    "S8": (
        "access/test_guessing.py::test_the_sixth_failure_in_the_window_is_the_end_of_it",
        "storage/test_restarts.py::test_who_guesses_is_not_forgiven_by_a_restart",
    ),
    "S10": (
        "web/test_answers.py::test_a_missing_credential_is_challenged_without_an_error",
        "administration/test_me.py::test_nobody_has_no_record",
    ),
    "S11": (
        "self_service/test_token_info.py::test_what_is_missing_or_unknown_is_not_authenticated",
        "self_service/test_token_info.py::test_an_expired_one_is_not_authenticated",
        "self_service/test_tokens.py::test_one_is_revoked_by_value_or_id_and_the_others_live_on",
    ),
    "S12": ("self_service/test_tokens.py::test_the_list_shows_mine_alone_and_no_value",),
    "S13": (
        "self_service/test_tokens.py::test_a_token_is_made_and_lets_its_owner_in",
        "self_service/test_tokens.py::test_a_token_without_a_title_has_the_usual_one",
    ),
    "S14": (
        "self_service/test_tokens.py::test_one_is_revoked_by_value_or_id_and_the_others_live_on",
    ),
    "S15": (
        "self_service/test_tokens.py::test_without_a_token_all_of_mine_are_revoked_and_a_new_one_works",
    ),
    "S17": (
        "self_service/test_tokens.py::test_without_a_token_all_of_mine_are_revoked_and_a_new_one_works",
    ),
    "S18": (
        "browser/test_pages_journey.py::test_one_of_two_sessions_is_ended_by_hand",
        "browser/test_accounts.py::test_a_person_and_the_programs_of_that_person_from_the_first_day_to_the_last",
    ),
    "S19": (
        "administration/test_ending.py::test_everything_in_hand_is_dead",
        "storage/test_transactions.py::test_users_go_with_all_that_is_theirs_but_the_log",
    ),
    "S20": (
        "examples/test_notes.py::test_everybody_reads_their_own_notes_and_what_is_published",
        "examples/test_notes.py::test_a_note_is_made_for_oneself_whatever_the_client_sends",
        "examples/test_notes.py::test_nobody_changes_or_deletes_the_notes_of_others",
        "examples/test_notes.py::test_a_note_is_not_given_away",
        "examples/test_notes.py::test_callers_who_take_turns_on_one_connection_never_see_anothers_rows",
    ),
    # Table policies.
    **{f"R{number}": BY_POLICY for number in (1, 2, 3, 4, 5, 6, 8, 10, 12, 14)},
    "R7": (
        *BY_POLICY,
        "policies/test_resolve.py::test_who_makes_a_row_is_its_owner_whatever_was_sent",
    ),
    "R11": (
        *BY_POLICY,
        "policies/test_resolve.py::test_a_refusal_has_the_status_of_who_asks",
        "administration/policies/test_evaluate.py::test_nobody_in_particular_may_ask_too",
    ),
    "R13": (
        *BY_POLICY,
        "policies/test_resolve.py::test_a_refusal_has_the_status_of_who_asks",
    ),
    "R15": ("policies/test_resolve.py::test_without_a_policy_everything_is_denied",),
    "R16": (
        "policies/test_resolve.py::test_without_a_policy_everything_is_denied",
        "administration/policies/test_evaluate.py::test_without_any_policy_everything_is_denied",
    ),
    "R17": ("policies/test_resolve.py::test_reading_all_is_not_reading_mine",),
    "R19": (
        "policies/test_resolve.py::test_an_administrator_has_no_rows_but_his_own_unless_a_policy_says_so",
    ),
    "R21": (
        "policies/test_expression.py::test_what_says_nothing_is_refused_with_what_was_expected",
        "policies/test_resolve.py::test_an_attribute_that_is_not_known_denies_where_it_was_written_past_us",
    ),
    "R31": (
        "administration/policies/test_policies.py::test_the_three_defaults_are_there_after_the_setup",
    ),
    "R39": (
        "examples/test_notes.py::test_everybody_reads_their_own_notes_and_what_is_published",
        "examples/test_notes.py::test_who_is_not_known_may_not_ask_for_his_own_nor_write",
    ),
    "R40": ("examples/test_notes.py::test_one_change_of_many_touches_only_ones_own",),
    "R41": (
        "administration/policies/test_policies.py::test_who_is_no_administrator_is_known_and_may_not",
        "administration/policies/test_policies.py::test_the_three_defaults_are_there_after_the_setup",
    ),
    "R43": ("examples/test_notes.py::test_a_note_is_made_for_oneself_whatever_the_client_sends",),
    "R46": (
        "permissions/test_policies.py::test_a_change_is_in_force_at_once_here_and_in_a_second_replica",
        "administration/policies/test_at_once.py::test_a_change_in_one_process_is_in_force_in_another",
    ),
    # Setup and registration.
    "R30": (
        "administration/test_setup.py::test_the_first_administrator_is_made_once",
        "cli/test_setup.py::test_the_credentials_are_printed_once_and_the_service_takes_them",
    ),
    "R32": (
        "login/test_password_login.py::test_who_registers_can_log_in",
        "login/test_password_login.py::test_a_username_is_taken_however_it_is_spelt",
    ),
    "R33": ("login/test_password_login.py::test_who_registers_is_nobody_special",),
    "R34": (
        "login/test_password_login.py::test_who_registers_can_log_in",
        "login/test_password_login.py::test_a_wrong_password_and_an_unknown_user_are_answered_alike",
    ),
    "R35": (
        "administration/test_me.py::test_everybody_sees_the_own_record_and_nobody_else_s",
        "administration/test_setup.py::test_the_first_administrator_is_made_once",
    ),
    "R37": (
        "login/test_password_login.py::test_they_are_posted",
        "administration/test_setup.py::test_the_setup_is_no_get",
    ),
    "R38": (
        "self_service/test_logout.py::test_logout_ends_the_token_and_its_session",
        "browser/test_accounts.py::test_a_person_and_the_programs_of_that_person_from_the_first_day_to_the_last",
    ),
    "R42": (
        "credentials/test_trusted_issuers_over_http.py::test_a_user_who_logged_in_at_an_issuer_is_known_by_its_tokens",
        "credentials/test_trusted_issuers_over_http.py::test_an_id_of_ours_is_believed_of_local_subjects_and_never_an_administrators",
    ),
    # Developer tokens and the validator chain.
    "H1": ("self_service/test_pages.py::test_who_is_not_signed_in_is_led_to_the_login",),
    "H2": (
        "self_service/test_pages.py::test_the_developer_token_is_made_shown_once_and_revoked",
        "self_service/test_developer_token.py::test_there_is_none_until_one_is_made",
    ),
    "H3": ("self_service/test_pages.py::test_the_developer_token_is_made_shown_once_and_revoked",),
    "H4": (
        "self_service/test_developer_token.py::test_made_again_the_old_one_is_dead_and_one_is_left",
    ),
    "H5": ("self_service/test_developer_token.py::test_its_value_is_not_shown_again",),
    "H6": (
        "self_service/test_developer_token.py::test_it_may_do_all_that_its_owner_may_but_for_what_needs_a_login",
    ),
    "H7": (
        "self_service/test_token_info.py::test_what_is_missing_or_unknown_is_not_authenticated",
    ),
    "H9": (
        "credentials/test_queries.py::test_a_token_costs_one_query_and_a_jwt_none_of_the_tokens",
    ),
    "H11": (
        "credentials/test_login_tokens.py::test_no_forgery_is_somebody_by_header_or_parameter",
        "credentials/test_login_tokens.py::test_a_token_ends_at_its_time_and_the_leeway",
        "credentials/test_trusted_issuer_claims.py::test_a_token_is_for_the_audience_of_the_settings",
        "credentials/test_trusted_issuers.py::test_no_forgery_of_a_token_by_a_published_key_is_believed",
    ),
    "H14": ("self_service/test_tokens.py::test_a_token_goes_on_when_its_owner_is_renamed",),
    "H15": ("api_tokens/test_format.py::test_each_is_another_and_well_formed",),
    "H16": (
        "self_service/test_token_info.py::test_every_kind_is_told_with_its_times",
        "self_service/test_token_info.py::test_what_is_missing_or_unknown_is_not_authenticated",
        "self_service/test_token_info.py::test_an_expired_one_is_not_authenticated",
    ),
    "H17": (
        "storage/test_transactions.py::test_who_was_read_is_there_when_the_database_is_not",
        "storage/test_engine.py::test_the_service_does_not_load_the_orm",
    ),
    "H18": (
        "credentials/test_session_cookie.py::test_it_ends_at_its_time_and_never_where_it_has_none",
        "credentials/test_session_cookie.py::test_a_made_up_one_is_nobodys",
        "self_service/test_sessions.py::test_a_session_that_slides_is_renewed_where_it_is_kept",
        "self_service/test_sessions.py::test_it_is_renewed_once_a_minute_at_most",
    ),
    "H19": (
        "administration/test_ending.py::test_everything_in_hand_is_dead",
        "administration/test_me.py::test_one_deletes_the_own_account_and_everything_dies_with_it",
        "storage/test_transactions.py::test_users_go_with_all_that_is_theirs_but_the_log",
    ),
    "H21": ("plugins/test_credentials.py::test_each_kind_is_told_by_its_own_prefix_alone",),
    # Basic and session authentication.
    "A1": ("administration/test_status.py::test_the_status_needs_no_credential",),
    "A2": ("administration/test_users.py::test_nobody_in_particular_is_not_let_in",),
    "A4": (
        "credentials/test_accepted.py::test_name_and_password_with_each_request",
        "credentials/test_accepted.py::test_a_wrong_password_and_an_unknown_name_are_answered_alike",
    ),
    "A6": ("credentials/test_accepted.py::test_what_is_accepted_lets_in_and_nothing_else",),
    "A7": ("credentials/test_accepted.py::test_what_is_accepted_lets_in_and_nothing_else",),
    "A9": (
        "login/test_password_login.py::test_a_login_needs_name_and_password",
        "login/test_password_login.py::test_they_are_posted",
    ),
    "A10": (
        "login/test_password_login.py::test_a_wrong_password_and_an_unknown_user_are_answered_alike",
    ),
    "A11": (
        "login/test_password_login.py::test_who_registers_can_log_in",
        "administration/test_users.py::test_there_is_no_password_nor_hash_in_any_answer",
    ),
    "A12": ("administration/test_me.py::test_everybody_sees_the_own_record_and_nobody_else_s",),
    "A13": ("credentials/test_session_cookie.py::test_a_made_up_one_is_nobodys",),
    "A15": (
        "self_service/test_logout.py::test_logout_by_cookie_ends_the_token_of_that_login",
        "self_service/test_logout.py::test_a_second_logout_is_refused",
    ),
    "A17": (
        "settings/test_variables.py::test_a_session_of_no_duration_never_ends",
        "settings/test_variables.py::test_a_bad_value_is_refused_with_what_would_be_right",
        "settings/test_variables.py::test_auth_type_is_a_shorthand",
        "credentials/test_accepted.py::test_how_long_the_sessions_of_an_auth_type_last",
    ),
    "A18": ("storage/test_restarts.py::test_what_people_have_outlives_the_process",),
    "A21": (
        "administration/test_users.py::test_a_user_is_added_as_the_contract_describes_one",
        "administration/test_users.py::test_what_is_no_user_is_not_added",
        "administration/test_users.py::test_a_name_or_email_that_is_taken_is_a_conflict",
    ),
    "A22": (
        "administration/test_users.py::test_names_are_changed_cleared_and_left_alone",
        "administration/test_users.py::test_a_user_who_is_not_there_is_not_found",
        "administration/test_users.py::test_a_change_of_the_wrong_type_is_refused_and_changes_nothing",
        "administration/test_users.py::test_email_password_and_all_else_are_not_changed",
    ),
    "A23": (
        "administration/test_users.py::test_a_deleted_user_is_gone_and_deleting_again_finds_nobody",
        "administration/test_ending.py::test_everything_in_hand_is_dead",
    ),
    "A24": ("administration/test_status.py::test_the_counts_are_of_what_is_alive",),
}


@cache
def names_in(file: str) -> frozenset[str]:
    """Return the names of the functions of *file*."""
    found = ast.walk(ast.parse((HERE / file).read_text()))
    return frozenset(
        node.name for node in found if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    )


@pytest.mark.parametrize("case", SHOWN)
def test_each_case_is_shown_by_tests_that_are_there(case: str) -> None:
    for test in SHOWN[case]:
        file, _, name = test.partition("::")
        assert name in names_in(file), test


def test_no_case_about_policies_is_left_out() -> None:
    cases = {*range(1, 18), 19, 21, *range(30, 36), *range(37, 44), 46} - {9}
    assert cases == {int(case[1:]) for case in SHOWN if case[0] == "R"}
