import collections
import io
import pickle
import pickletools
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from fgsbir.data.records import DataError
from fgsbir.data.stroke_pickle import load_array_dict, load_array_list

arrays = hnp.arrays(
    st.sampled_from([np.dtype(code) for code in ("<f8", ">f8", "<f4", "<f2", "<i8", ">i2", "<u4", "|u1", "|i1")]),
    hnp.array_shapes(min_dims=1, max_dims=3, min_side=0, max_side=4),
)
PROTOCOLS = range(pickle.HIGHEST_PROTOCOL + 1)


@given(st.dictionaries(st.text(), arrays, max_size=4), st.sampled_from(PROTOCOLS), st.booleans())
def test_reads_what_numpy_pickles(expected: dict[str, np.ndarray], protocol: int, fortran: bool) -> None:
    if fortran:
        expected = {key: np.asfortranarray(value) for key, value in expected.items()}
    found = load_array_dict(pickle.dumps(expected, protocol), "x")
    assert list(found) == list(expected)
    for key, value in expected.items():
        assert found[key].dtype == value.dtype and found[key].shape == value.shape
        assert found[key].tobytes() == value.tobytes()


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_reads_object_arrays_as_lists(protocol: int) -> None:
    expected = np.empty(3, object)
    expected[:] = [np.arange(3 * n, dtype=np.int16).reshape(n, 3) for n in range(3)]
    for value in (expected, list(expected)):
        found = load_array_list(pickle.dumps(value, protocol), "x")
        assert all(np.array_equal(one, other) for one, other in zip(found, expected, strict=True))


def as_python2(protocol: int) -> bytes:
    """What Python 2 and numpy 1 write for {"a": float64 [[1, 2, 1]]}, spelt out opcode by opcode."""
    raw = np.array([[1.0, 2.0, 1.0]]).tobytes()
    if protocol == 0:
        text = repr(raw.decode("latin1")).encode("latin1")
        return (
            b"(dp0\nS'a'\np1\ncnumpy.core.multiarray\n_reconstruct\np2\n(cnumpy\nndarray\np3\n(I0\ntp4\nS'b'\np5\ntp6\nRp7\n"
            b"(I1\n(I1\nI3\ntp8\ncnumpy\ndtype\np9\n(S'f8'\np10\nI0\nI1\ntp11\nRp12\n(I3\nS'<'\np13\nNNNI-1\nI-1\nI0\ntp14\nb"
            b"I00\n" + b"S" + text + b"\np15\ntp16\nbs."
        )
    return (
        b"\x80\x02}q\x00U\x01aq\x01cnumpy.core.multiarray\n_reconstruct\nq\x02cnumpy\nndarray\nq\x03K\x00\x85U\x01b\x87R"
        b"(K\x01K\x01K\x03\x86cnumpy\ndtype\nq\x04U\x02f8K\x00K\x01\x87R(K\x03U\x01<NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb"
        b"\x89U" + bytes([len(raw)]) + raw + b"tbs."
    )


@pytest.mark.parametrize("protocol", [0, 2])
def test_reads_python2_pickles(protocol: int) -> None:
    data = as_python2(protocol)
    assert pickle.loads(data, encoding="latin1")["a"].tolist() == [[1, 2, 1]]  # the test's own bytes are right
    assert load_array_dict(data, "x")["a"].tolist() == [[1, 2, 1]]


class Runs:
    """Pickles as a call of ``called`` with ``arguments``."""

    def __init__(self, called: Any, *arguments: Any) -> None:
        self.called, self.arguments = called, arguments

    def __reduce__(self) -> tuple[Any, tuple[Any, ...]]:
        return self.called, self.arguments


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_nothing_is_ever_called(protocol: int, tmp_path: Path) -> None:
    witness = tmp_path / "witness"
    for value in (
        Runs(Path.touch, witness),
        {"a": Runs(exec, f"open({str(witness)!r}, 'w')")},
        {"a": [Runs(Path.touch, witness)]},
    ):
        with pytest.raises(DataError, match=r"found a reference to"):
            load_array_dict(pickle.dumps(value, protocol), "x")
    assert not witness.exists()
    pickle.loads(pickle.dumps(Runs(Path.touch, witness), protocol))
    assert witness.exists()  # the same bytes do act when they are unpickled


def with_buffers_outside() -> bytes:
    pickle.Pickler(buffer := io.BytesIO(), 5, buffer_callback=lambda _: None).dump({"a": np.ones((40, 3))})
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("value", "found"),
    [
        (with_buffers_outside(), "opcode NEXT_BUFFER"),
        ([np.ones(3)], "a list where the dict should be"),
        (np.ones(3), "an array where the dict should be"),
        ({1: np.ones(3)}, "int 1 as a key"),
        ({("a",): np.ones(3)}, "a tuple as a key"),
        ({"a": 1.5}, "float 1.5 under key 'a'"),
        ({"a": None}, "nothing under key 'a'"),
        ({"a": {"b": np.ones(3)}}, "a dict under key 'a'"),
        ({"a": np.array(["x"])}, "an array of dtype 'U1'"),
        ({"a": np.array([1j])}, "an array of dtype 'c16'"),
        ({"a": np.array([None, 1])}, "an array of objects under key 'a'"),
        ({"a": np.zeros(2, "f8,i4")}, "for a dtype"),
        ({"a": np.float64(1)}, r"a reference to numpy\._?core\.multiarray\.scalar"),
        ({"a": {1, 2}}, "opcode EMPTY_SET"),
        (collections.OrderedDict(a=np.ones(3)), "a reference to collections.OrderedDict"),
        ({"a": np.ma.masked_array([1.0])}, r"a reference to numpy\.ma"),
        (b"\x80\x02}(U\x01aK\x01U\x01aK\x02u.", "key 'a' twice"),
        (b"Pname\n.", "opcode PERSID"),  # persistent ids, the extension registry
        (b"\x80\x02K\x01Q.", "opcode BINPERSID"),
        (b"\x80\x02\x82\x01.", "opcode EXT1"),
        *((data, "") for data in (b"", b"hello", b"\x89PNG\r\n", b"\x80\x04", b".")),
    ],
)
def test_anything_but_arrays_is_refused_by_name(value: Any, found: str) -> None:
    data = value if isinstance(value, bytes) else pickle.dumps(value, 4)
    with pytest.raises(DataError, match=f"^strokes: expected a pickle of numeric numpy arrays only, found .*{found}"):
        load_array_dict(data, "strokes")


@settings(max_examples=200)
@given(st.data())
def test_a_damaged_pickle_is_an_error_and_never_a_crash(data: st.DataObject) -> None:
    value = {"a": np.arange(6.0).reshape(2, 3), "b": np.arange(3, dtype="i2")}
    whole = pickle.dumps(value, data.draw(st.sampled_from(PROTOCOLS)))
    if data.draw(st.booleans()):
        with pytest.raises(DataError):
            load_array_dict(whole[: data.draw(st.integers(0, len(whole) - 1))], "x")
        return
    damaged = bytearray(whole)
    for _ in range(data.draw(st.integers(1, 4))):
        damaged[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    try:
        found = load_array_dict(bytes(damaged), "x")
    except DataError:
        return
    assert all(isinstance(value, np.ndarray) and value.dtype.kind in "fiu" for value in found.values())


OPCODES = [op.code.encode("latin1") for op in pickletools.opcodes]


@settings(max_examples=300)
@given(st.lists(st.sampled_from(OPCODES), max_size=30), st.binary(max_size=8))
def test_random_opcodes_are_an_error_and_never_a_crash(codes: list[bytes], argument: bytes) -> None:
    with pytest.raises(DataError):
        load_array_dict(b"\x80\x04" + argument.join(codes) + b"\x30", "x")


def test_bombs_are_refused() -> None:
    shared = np.zeros(1000)
    with pytest.raises(DataError, match="arrays of 800,000,000 bytes in a file of"):
        load_array_list(pickle.dumps([shared] * 100_000), "x")
    # The file claims more bytes than it has: refused without making room for them.
    small = pickle.dumps({"a": np.zeros(8, "u1")}, 4)
    with pytest.raises(DataError, match="damage near byte"):
        load_array_dict(small.replace(b"C\x08" + bytes(8), b"\x8e" + (1 << 40).to_bytes(8, "little")), "x")
    shape = pickle.dumps({"a": np.zeros((1, 5), "u1")}, 2).replace(b"K\x01K\x05\x86", b"K\x01J\xff\xff\xff\x7f\x86")
    with pytest.raises(DataError, match="5 bytes for an array of"):
        load_array_dict(shape, "x")
    # A tuple of a tuple of ... twice each: hashing or printing it would take 2 ** 60 steps.
    doubled = [b"\x94h" + bytes([level]) + b"h" + bytes([level]) + b"\x86" for level in range(60)]
    for tail in (b"K\x01s.", b".", b"\x8c\x01a\x93."):
        with pytest.raises(DataError):
            load_array_dict(b"\x80\x04}K\x01" + b"".join(doubled) + tail, "x")
    # A long text, turned to bytes again and again by calls of a few bytes each, or used as an array's.
    text = b"\x80\x02c_codecs\nencode\nq\x00X\x10\x27\x00\x00" + b"a" * 10_000 + b"q\x01X\x06\x00\x00\x00latin1q\x02"
    with pytest.raises(DataError, match="texts of over 16 times the file's size"):
        load_array_list(text + b"]q\x03" + b"h\x00h\x01h\x02\x86Ra" * 10_000 + b".", "x")
    # Memo positions are labels, not sizes.
    assert load_array_dict(b"\x80\x02}r\xff\xff\xff\x7f.", "x") == {}
