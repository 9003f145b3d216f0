"""JSON that others wrote: one object, or one sentence about why it is none."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any


def parse_object(raw: bytes) -> Mapping[str, Any]:
    """The object in a file's bytes. Raises ValueError with what is wrong with them.

    >>> parse_object(b'{"layers": 2}')
    {'layers': 2}
    """
    try:
        value = json.loads(raw.decode("utf-8-sig"))
    except UnicodeDecodeError:
        raise ValueError("it is not UTF-8") from None
    except json.JSONDecodeError as error:
        raise ValueError(f"{error.msg} in line {error.lineno}, column {error.colno}") from None
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    except ValueError:
        raise ValueError("a number in it has thousands of digits") from None
    if not isinstance(value, dict):
        raise ValueError("it is not an object")
    return value
