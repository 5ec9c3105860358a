"""Every word of the page, in one place."""

TITLE = "PixelCNN"
LEAD = "Draw the top of a digit. A neural network fills in the rest, one pixel at a time."
COMPLETE = "Complete"
STOP = "Stop"
COUNT = "How many different completions"
MORE = "More"
MODEL = "Model"
DIGIT = "Which digit"
DIGIT_INFO = "for models that were told which digit they saw, now and then, when they were trained"
ANY_DIGIT = "any"
TEMPERATURE = "Temperature"
TEMPERATURE_INFO = "1 is what the model learned; lower is bolder, higher is wilder"
SEED = "Seed"
DICE = "A new seed each time"

HOUSE = {
    "about": "Running on {device} with {weights}. What you draw stays between this page and its server, and is not kept.",
    "line": "{active} pictures under way, {waiting} waiting; {pixels_per_s} pixels a second, {ms_per_tick} ms a tick",
    "silent": "The server does not answer.",
}

MODELS = {
    "pixelcnn": "PixelCNN, 2016: masked convolutions",
    "row_lstm": "Row LSTM, 2016: each row remembers the rows above",
    "diagonal_bilstm": "Diagonal BiLSTM, 2016: memory runs along the diagonals",
    "gated_pixelcnn": "Gated PixelCNN, 2016: gates, no blind spot, can be told the digit",
    "pixelcnn_pp": "PixelCNN++, 2017: shades of gray",
    "freeform": "Freeform, ours: attention sees the whole past, can be told the digit",
}

EASEL = {
    "hint": "Draw the top of a digit here",
    "below": "below this line the model draws",
    "brush": "Brush",
    "eraser": "Eraser",
    "undo": "Undo",
    "clear": "Clear",
    "ink": "ink",
    "canvas": "Drawing canvas. Arrow keys move, space draws, control z undoes.",
    "cut": "Cut line: what is above it is kept",
    "cut_at": "{row} rows are kept",
}

PLAYER = {
    "pixel_of": "Pixel {pixel} of {total}",
    "given": "this one, {colour}, had {percent} %",
    "ink": "ink",
    "paper": "paper",
    "nats": "{nats} nats in all",
    "seed": "seed",
    "sample": "Completion {number}",
    "finished": "The picture is complete.",
    "broken": "The completion was stopped.",
    "pause": "Pause",
    "play": "Play",
    "replay": "Play again",
    "step": "One pixel further",
    "speed": "Speed",
    "scrub": "Pixels shown",
    "tiles": "Completions; choose one to see it large",
}
