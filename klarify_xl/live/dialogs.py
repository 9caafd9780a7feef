"""Small windows in which a person types something."""

from klarify_xl.errors import ConfigurationError


def ask(title: str, question: str, *, present: str = "", hidden: bool = False) -> str | None:
    """Return what a person types, or None if they change their mind.

    Args:
        title: Title of the window.
        question: What is asked.
        present: What stands in the field already.
        hidden: Whether dots are shown instead of what is typed.

    Raises:
        ConfigurationError: This Python has no windows.
    """
    try:
        import tkinter as tk  # noqa: PLC0415 -- some Pythons have none
        from tkinter import simpledialog  # noqa: PLC0415

        root = tk.Tk()
    except (ImportError, RuntimeError) as error:
        raise _no_windows() from error
    except tk.TclError as error:
        raise _no_windows() from error
    try:
        # Excel is in front, and would hide a question that does not belong to a window before it.
        root.attributes("-alpha", 0.0, "-topmost", True)
        root.eval("tk::PlaceWindow . center")
        root.update()
        return simpledialog.askstring(
            title, question, initialvalue=present, show="•" if hidden else "", parent=root
        )
    finally:
        root.destroy()


def _no_windows() -> ConfigurationError:
    return ConfigurationError(
        "This Python can't show a window to type in (it lacks tkinter).",
        hint="Use the command line instead: `klarify-xl key set`.",
    )
