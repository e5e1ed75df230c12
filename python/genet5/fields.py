"""Values of a configuration that a person or another program wrote: each is of the type that its field has."""

import dataclasses

import genet5.errors as errors

# type of a field -> types that a value in a file may have, and how it is called
KINDS = {bool: (bool, "true or false"), int: (int, "a whole number"), float: ((int, float), "a number"),
         str: (str, "a text"), list: (list, "a list of texts"), tuple: ((list, tuple), "a list of whole numbers"),
         dict: (dict, "a table")}


def check(values, kind):
    """Refuse values of another type than their field has; a whole number will do for a float.

    values: dict name -> value, of known fields
    kind:   a dataclass
    raises DataError naming the field
    """

    for field in dataclasses.fields(kind):
        if field.name in values and not _fits(values[field.name], field.type):
            raise errors.DataError(f"{field.name} is {values[field.name]!r}; valid is {KINDS[field.type][1]}")


def _fits(value, kind):
    if not isinstance(value, KINDS[kind][0]) or (isinstance(value, bool) and kind is not bool):
        return False
    inner = {list: str, tuple: int}.get(kind)
    return inner is None or all(_fits(item, inner) for item in value)
