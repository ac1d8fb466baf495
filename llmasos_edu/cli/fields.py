"""Configs as options: each field of a config becomes a flag, with its help, its unit and its default.

Teaches: a setting is described once, where it is defined, and shown here. Leaves out: commands.
"""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Callable, Iterable, Sequence
from enum import StrEnum
from typing import Annotated, Any, Literal, get_args, get_origin, get_type_hints

import typer

from ..config import Config

__all__ = ["given", "inner_app", "options"]

NOTHING = "none"  # how one writes None on a command line


def options(
    configs: Iterable[type[Config]], panel: str, *, without: Sequence[str] = (), defaults: bool = True
) -> list[inspect.Parameter]:
    """A keyword for each field of some configs; a field that several have stands once.

    Args:
        configs: Where the fields come from.
        panel: The heading that the help shows them under.
        without: Fields that are no flags.
        defaults: False where a field's default is not the flag's: one that is not given is then None.

    Returns:
        Parameters of a typer command.
    """
    found: dict[str, inspect.Parameter] = {}
    for config in configs:
        hints = get_type_hints(config)
        for field in dataclasses.fields(config):
            if field.name in found or field.name in without:
                continue
            kind, value = _kind(field.name, hints[field.name]), field.default
            value = list(value) if isinstance(value, tuple) and kind != hints[field.name] else value
            if not defaults or value is dataclasses.MISSING:
                kind, value = kind | None, None
            elif hints[field.name] == float | None:
                value = NOTHING if value is None else str(value)
            unit = f" ({field.metadata['unit']})" if field.metadata.get("unit") else ""
            option = typer.Option(
                help=field.metadata.get("help", "") + unit, rich_help_panel=panel, show_default=defaults
            )
            found[field.name] = inspect.Parameter(
                field.name, inspect.Parameter.KEYWORD_ONLY, default=value, annotation=Annotated[kind, option]
            )
    return list(found.values())


def _kind(name: str, hint: Any) -> Any:
    """The kind that typer knows for a field's kind."""
    if get_origin(hint) is Literal:
        return StrEnum(name, {str(choice): str(choice) for choice in get_args(hint)})
    if get_origin(hint) is tuple and get_args(hint)[-1] is ...:
        return list[get_args(hint)[0]]  # type: ignore[misc]
    return str if hint == float | None else hint


def given(config: type[Config], flags: dict[str, Any]) -> dict[str, Any]:
    """The flags that are fields of a config, as it wants them; those that are None are left out.

    Raises:
        ValueError: If a text is no number.
    """
    hints, found = get_type_hints(config), {}
    for name in (field.name for field in dataclasses.fields(config)):
        value = flags.get(name)
        if value is None:
            continue
        if hints[name] == float | None:
            try:
                value = None if value == NOTHING else float(value)
            except ValueError:
                raise ValueError(f"{name} must be a number or {NOTHING!r}; got {value!r}") from None
        value = tuple(value) if isinstance(value, list) else value
        found[name] = str(value) if isinstance(value, StrEnum) else value
    return found


def inner_app(run: Callable[..., None], parameters: Sequence[inspect.Parameter]) -> typer.Typer:
    """A program of one command whose flags are known only now.

    Args:
        run: Called with every flag by name; its docstring is the help, its ValueErrors become one line.
        parameters: The flags.
    """

    def command(**flags: Any) -> None:
        try:
            run(**flags)
        except (ValueError, ArithmeticError, OSError) as e:
            typer.echo(f"Error: {e}", err=True)
            raise typer.Exit(1) from e

    command.__doc__ = run.__doc__
    command.__signature__ = inspect.Signature(list(parameters))  # type: ignore[attr-defined]
    command.__annotations__ = {p.name: p.annotation for p in parameters}
    app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    app.command()(command)
    return app
