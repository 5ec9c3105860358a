"""A part of the page: a `gr.HTML` made of three files of one name.

NAME.html is fixed, so that updates of the value never touch what is drawn; NAME.css is scoped to the part; NAME.js runs
once, on load. Functions rather than subclasses: Gradio writes a stub file beside the source of every subclass.
"""

from pathlib import Path

import gradio as gr

FOLDER = Path(__file__).parent


def part(name: str, **props) -> gr.HTML:
    """The part as a component; props reach its JavaScript as `props`."""
    html, css, js = ((FOLDER / f"{name}.{kind}").read_text("utf-8") for kind in ("html", "css", "js"))
    return gr.HTML(html_template=html, css_template=css, js_on_load=js, apply_default_css=False, elem_id=name, **props)
