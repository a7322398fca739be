"""Which headers are not kept."""

import pytest

from monitor.domain.redaction import HIDDEN, is_credential, without_credentials


@pytest.mark.parametrize(
    "name",
    [
        *("Authorization", "proxy-authorization", "Cookie", "set-cookie", "x-api-key", "apikey", "API_KEY"),
        *("x-auth-token", "accessToken", "X-Access-Token", "token", "x-token", "jwt", "client_secret"),
        *("password", "db.passwd", "session-id", "X-Amz-Security-Token", "private_key", "credentials"),
        "Ocp-Apim-Subscription-Key",
    ],
)
def test_names_of_credentials(name: str) -> None:
    assert is_credential(name)


@pytest.mark.parametrize(
    "name",
    [
        *(
            "ce_id",
            "ce_type",
            "traceparent",
            "content-type",
            "correlation-id",
            "message_id",
            "key",
            "orderKey",
        ),
        *("x-death", "cloudEvents:subject", "tokens-used", "author", "keyboard", "session"),
    ],
)
def test_names_of_other_things(name: str) -> None:
    assert not is_credential(name)


def test_only_their_values_are_hidden() -> None:
    assert without_credentials({"ce_id": "1", "Authorization": "Bearer x", "n": 3}) == {
        "ce_id": "1",
        "Authorization": HIDDEN,
        "n": 3,
    }
    plain = {"ce_id": "1"}
    assert without_credentials(plain) is plain
