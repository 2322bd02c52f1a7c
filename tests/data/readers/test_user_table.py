"""Tables of users, for sets that do not say who drew: read, or refused with what is wrong in them."""

import hashlib
from pathlib import Path

import pytest

from fgsbir.data.readers.user_table import read_user_table
from fgsbir.data.records import DataError


def table(path: Path, text: str | bytes) -> tuple[Path, str]:
    data = text if isinstance(text, bytes) else text.encode()
    path.write_bytes(data)
    return path, hashlib.sha256(data).hexdigest()


def test_a_user_table_is_read(tmp_path: Path) -> None:
    path, digest = table(tmp_path / "users.csv", '\ufeffuser,sketch_id,note\r\nanna,a_1,\r\n"ben, jr", b_1 ,x\r\n')
    assert read_user_table(path, digest.upper()) == {"a_1": "anna", "b_1": "ben, jr"}
    path.write_text("altered")
    with pytest.raises(DataError, match=rf"users\.csv: expected SHA-256 {digest}, found [0-9a-f]{{64}}"):
        read_user_table(path, digest)
    with pytest.raises(DataError, match=r"users\.csv: expected a table of users, found none"):
        read_user_table(tmp_path / "nowhere/users.csv", digest)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "expected the columns sketch_id, user, found None"),
        ("id,user\na,b\n", r"expected the columns sketch_id, user, found \['id', 'user'\]"),
        ("sketch_id,user\na,x\n,y\n", "row 3: expected a sketch and a user, found '', 'y'"),
        ("sketch_id,user\na\n", "row 2: expected a sketch and a user, found 'a', ''"),
        ("sketch_id,user\na,x\na,y\n", "row 3: sketch 'a' is listed twice"),
        (b"sketch_id,user\n\xff,x\n", "expected a CSV file in UTF-8, found damage"),
        ('sketch_id,user\n"a,x\n', "expected a CSV file in UTF-8, found damage"),
    ],
)
def test_a_bad_user_table_is_named(tmp_path: Path, text: str | bytes, message: str) -> None:
    with pytest.raises(DataError, match=rf"users\.csv: {message}"):
        read_user_table(*table(tmp_path / "users.csv", text))
