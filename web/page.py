"""The page: its Gradio components, events, theme and style sheets. It needs no tensors; handlers.py does the work."""

from pathlib import Path

import gradio as gr

from pixelcnn.serving.exhibit_queue import ExhibitQueue
from pixelcnn.serving.registry import ModelRegistry
from web.exhibits import exhibit_endpoint
from web.handlers import Handlers
from web.i18n import TEXTS

STATIC = Path(__file__).parent / "static"
# The cascade depends on this order.
STYLE_FOLDERS = ("core", "canvas", "player", "panels", "classroom", "quiz", "tour", "share", "learn", "uploads")

# In the page itself: browsers ask for /favicon.ico at the root of the host, where behind a proxy another app can be.
ICON = """<link rel="icon" href="data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 4 4'%3E\
%3Cpath d='M0 0h4v2h-4z' fill='%23182848'/%3E%3Cpath d='M1 2h2v1h-1v1h-1z' fill='%23d9480f'/%3E%3C/svg%3E">"""

# Gradio runs this once. Everything else is in modules that the server offers under /parts.
LOADER = """
import(new URL("parts/core/main.js", document.baseURI)).then((page) => page.start(element, props, trigger, watch));
// Gradio offers the events that this text quotes: "complete", "cancel"
"""


def theme() -> gr.themes.Base:
    """Colors and fonts of Gradio's own elements. The page's own are in web/static."""
    # Gradio's copy of Montserrat, the font of Soft, has uneven capitals and a different design for bold.
    font = gr.themes.LocalFont("IBM Plex Sans", weights=(400, 700))
    return gr.themes.Soft(primary_hue="orange", neutral_hue="slate", font=[font, "ui-sans-serif", "system-ui"])


def style_sheets() -> list[Path]:
    """The page's style sheets in the order in which they apply."""
    return [sheet for folder in STYLE_FOLDERS for sheet in sorted((STATIC / folder).glob("*.css"))]


def build_page(
    registry: ModelRegistry, exhibits: ExhibitQueue, lan: bool = False, learn: bool = False, weights_mb: int = 0
) -> gr.Blocks:
    """The page for the models and the exhibits of a server.

    lan, learn: whether it has the panels for a class and for training. weights_mb: the largest weights that visitors can
    bring; 0 if they cannot.
    """
    handlers, model = Handlers(exhibits.backend), registry.model()
    with gr.Blocks(title=TEXTS["en"]["title"], analytics_enabled=False) as page:
        app = gr.HTML(
            html_template=(STATIC / "index.html").read_text("utf-8"),  # constant: re-rendering would erase the canvas
            js_on_load=LOADER,
            apply_default_css=False,
            elem_id="pixelcnn",
            texts=TEXTS,
            facts=registry.facts(),
            lan=lan,
            learn=learn,
            weights_mb=weights_mb,
            width=model.config.width,
            height=model.config.height,
        )
        app.complete(
            handlers.page,
            None,
            [app],
            trigger_mode="multiple",  # a second request while one is in progress is a request of its own
            show_progress="hidden",
            api_visibility="private",
            concurrency_limit=None,  # the backend limits the load
        )
        app.cancel(handlers.cancel, trigger_mode="multiple", queue=False, show_progress="hidden", api_visibility="private")
        gr.api(handlers.complete, api_name="complete", concurrency_limit=None)
        gr.api(handlers.stream, api_name="stream", concurrency_limit=None)
        gr.api(exhibit_endpoint(exhibits), api_name="exhibit", concurrency_limit=None)
    return page
