"""Every word of the page, in English and Korean, in one place.

Keys are `part.what`; `{name}` in a sentence is filled in by the page, the same names in both languages.
"""

LANGUAGES = ("en", "ko")

WORDS = {
    "title": ("PixelCNN", "PixelCNN"),
    "lead": (
        "Draw the top of a digit. A neural network fills in the rest, one pixel at a time.",
        "숫자의 윗부분을 그리세요. 신경망이 나머지를 한 픽셀씩 채워 갑니다.",
    ),
    "language": ("한국어", "English"),
    # --- the canvas
    "easel.hint": ("Draw the top of a digit here", "여기에 숫자의 윗부분을 그리세요"),
    "easel.below": ("below this line the model draws", "이 선 아래는 모델이 그립니다"),
    "easel.brush": ("Brush", "붓"),
    "easel.eraser": ("Eraser", "지우개"),
    "easel.hide": ("Hide", "가리기"),
    "easel.hide_hint": (
        "Rub out what the model may know; it fills that in",
        "모델이 볼 수 없게 문질러 가리면 그곳을 모델이 채웁니다",
    ),
    "easel.undo": ("Undo", "되돌리기"),
    "easel.clear": ("Clear", "모두 지우기"),
    "easel.ink": ("ink", "잉크"),
    "easel.hidden": ("hidden", "가려짐"),
    "easel.canvas": (
        "Drawing canvas. Arrow keys move, space draws, control z undoes.",
        "그림판. 화살표로 움직이고, 스페이스로 그리고, 컨트롤 z로 되돌립니다.",
    ),
    "easel.cut": ("Cut line: what is above it is kept", "자르는 선: 그 위쪽이 남습니다"),
    "easel.cut_at": ("{row} rows are kept", "{row}줄이 남습니다"),
    "complete": ("Complete", "완성하기"),
    "stop": ("Stop", "멈춤"),
    # --- the player
    "player.pixel_of": ("Pixel {pixel} of {total}", "픽셀 {pixel} / {total}"),
    "player.given": ("this one, {colour}, had {percent} %", "이 픽셀({colour})의 확률은 {percent} %"),
    "player.ink": ("ink", "잉크"),
    "player.paper": ("paper", "종이"),
    "player.gray": ("gray {level}", "회색 {level}"),
    "player.nats": ("{nats} nats in all", "모두 {nats} 내트"),
    "player.seed": ("seed", "시드"),
    "player.sample": ("Completion {number}", "완성 {number}"),
    "player.by": ("{model}", "{model}"),
    "player.branch": ("from pixel {pixel} on", "픽셀 {pixel}부터 다시"),
    "player.finished": ("The picture is complete.", "그림이 완성되었습니다."),
    "player.broken": ("The completion was stopped.", "완성이 멈추었습니다."),
    "player.pause": ("Pause", "잠시 멈춤"),
    "player.play": ("Play", "재생"),
    "player.replay": ("Play again", "다시 재생"),
    "player.step": ("One pixel further", "한 픽셀 앞으로"),
    "player.back": ("One pixel back", "한 픽셀 뒤로"),
    "player.speed": ("Speed", "속도"),
    "player.scrub": ("Pixels shown", "보이는 픽셀"),
    "player.tiles": ("Completions; choose one to see it large", "완성된 그림들; 고르면 크게 보입니다"),
    "player.next": ("Next pixel: {percent} % ink", "다음 픽셀: 잉크일 확률 {percent} %"),
    "player.next_at": (
        "Next pixel: {percent} % ink at temperature {temperature}; play to go on so",
        "다음 픽셀: 온도 {temperature}에서 잉크일 확률 {percent} %; 재생하면 그렇게 이어집니다",
    ),
    "player.read": (
        "Row {row}, column {column}: {percent} % ink was given, {colour} was drawn, a surprise of {bits} bits.",
        "{row}행 {column}열: 잉크일 확률 {percent} %였고 {colour}로 그려졌습니다. 놀라움은 {bits}비트입니다.",
    ),
    "player.read_gray": (
        "Row {row}, column {column}: {colour} was drawn, which had {percent} %, a surprise of {bits} bits.",
        "{row}행 {column}열: {colour}로 그려졌고 그 확률은 {percent} %였습니다. 놀라움은 {bits}비트입니다.",
    ),
    "player.read_yours": (
        "Row {row}, column {column} is yours: the model gave {percent} % to what you drew, a surprise of {bits} bits.",
        "{row}행 {column}열은 직접 그린 곳입니다. 모델은 그것에 {percent} %를 주었고 놀라움은 {bits}비트입니다.",
    ),
    "player.flip": ("Flip it and go on from here", "뒤집고 여기서부터 다시"),
    # --- settings
    "settings": ("Settings", "설정"),
    "settings.model": ("Model", "모델"),
    "settings.against": ("Beside it, on the same noise", "같은 잡음으로 나란히"),
    "settings.nobody": ("no other model", "다른 모델 없음"),
    "settings.count": ("How many different completions", "서로 다른 완성의 수"),
    "settings.digit": ("Which digit", "어떤 숫자"),
    "settings.any": ("any", "아무거나"),
    "settings.digit_info": (
        "for models that were told which digit they saw, now and then, when they were trained",
        "학습할 때 가끔 어떤 숫자인지 들었던 모델에게만",
    ),
    "settings.temperature": ("Temperature", "온도"),
    "settings.temperature_info": (
        "1 is what the model learned; lower is bolder, higher is wilder",
        "1은 모델이 배운 그대로, 낮으면 과감하게, 높으면 거칠게",
    ),
    "settings.seed": ("Seed", "시드"),
    "settings.dice": ("A new seed each time", "매번 새 시드"),
    "model.pixelcnn": ("PixelCNN, 2016: masked convolutions", "PixelCNN, 2016: 가려진 합성곱"),
    "model.row_lstm": (
        "Row LSTM, 2016: each row remembers the rows above",
        "Row LSTM, 2016: 각 줄이 위의 줄들을 기억합니다",
    ),
    "model.diagonal_bilstm": (
        "Diagonal BiLSTM, 2016: memory runs along the diagonals",
        "Diagonal BiLSTM, 2016: 기억이 대각선을 따라 흐릅니다",
    ),
    "model.gated_pixelcnn": (
        "Gated PixelCNN, 2016: gates, no blind spot, can be told the digit",
        "Gated PixelCNN, 2016: 게이트, 사각지대 없음, 숫자를 지정할 수 있음",
    ),
    "model.pixelcnn_pp": ("PixelCNN++, 2017: shades of gray", "PixelCNN++, 2017: 회색의 농담"),
    "model.freeform": (
        "Freeform, ours: sees the whole past and any part you give, can be told the digit",
        "Freeform, 우리 모델: 과거 전체와 주어진 어떤 부분이든 보고, 숫자를 지정할 수 있음",
    ),
    # --- what the server is doing
    "about": ("About", "정보"),
    "about.device": (
        "Running on {device} with {weights}. What you draw stays between this page and its server, and is not kept.",
        "{device}에서 {weights}(으)로 돌아갑니다. 그린 것은 이 페이지와 서버 사이에만 있고 저장되지 않습니다.",
    ),
    "about.line": (
        "{active} pictures under way, {waiting} waiting; {pixels_per_s} pixels a second, {ms_per_tick} ms a tick",
        "그리는 중 {active}장, 기다리는 중 {waiting}장; 초당 {pixels_per_s} 픽셀, 한 박자에 {ms_per_tick} 밀리초",
    ),
    "about.silent": ("The server does not answer.", "서버가 대답하지 않습니다."),
    "about.cost": (
        "The last completion: {ms} ms for {pixels} pixels, {each} ms a pixel. {steps} steps over a cache did what would "
        "naively take {naive} passes over the whole picture.",
        "마지막 완성: {pixels} 픽셀에 {ms} 밀리초, 픽셀당 {each} 밀리초. 단순하게는 그림 전체를 {naive}번 지나야 할 일을 "
        "캐시 위의 {steps}걸음으로 했습니다.",
    ),
    "about.no_cost": ("Complete a picture to see what it costs.", "그림을 완성하면 비용이 보입니다."),
    "about.keys": ("Keys", "단축키"),
    "close": ("Close", "닫기"),
    # --- examples
    "examples": ("Examples", "예시"),
    "examples.either": ("It could be either", "어느 쪽일까요"),
    "examples.tops": ("The top of a real digit, or nothing at all", "진짜 숫자의 윗부분, 아니면 아무것도 없이"),
    "examples.either_name": ("{one} or {other}", "{one} 또는 {other}"),
    "examples.top_name": ("{one}", "{one}"),
    "examples.empty_name": ("empty", "빈 그림판"),
    "examples.either_label": (
        "Complete half a digit that could be {one} or {other}",
        "{one}일 수도 {other}일 수도 있는 반쪽 숫자 완성하기",
    ),
    "examples.top_label": ("Complete the top of a real {one}", "진짜 {one}의 윗부분 완성하기"),
    "examples.empty_label": ("Let the model draw on an empty canvas", "빈 그림판에 모델이 그리게 하기"),
    # --- share
    "share": ("Share", "공유"),
    "share.link": ("Link to these pictures", "이 그림들의 링크"),
    "share.link_info": (
        "It holds your drawing and all settings, and draws the same pictures wherever it is opened.",
        "그림과 모든 설정이 들어 있어, 어디서 열어도 같은 그림이 그려집니다.",
    ),
    "share.copy_link": ("Copy link", "링크 복사"),
    "share.copy": ("Copy", "복사"),
    "share.copied": ("Copied.", "복사했습니다."),
    "share.selected": (
        "This browser does not let the page copy; the text is selected, copy it yourself.",
        "이 브라우저에서는 페이지가 복사할 수 없습니다. 글이 선택되어 있으니 직접 복사하세요.",
    ),
    "share.files": ("Files to keep", "파일로 저장"),
    "share.png": ("PNG", "PNG"),
    "share.png_info": ("this picture", "이 그림"),
    "share.gif": ("GIF", "GIF"),
    "share.gif_info": ("how it was filled", "채워지는 과정"),
    "share.json": ("JSON", "JSON"),
    "share.json_info": ("the odds of every pixel", "픽셀마다의 확률"),
    "share.making": ("The file is being made …", "파일을 만드는 중 …"),
    "share.made": ("The file is in your downloads.", "파일이 다운로드에 있습니다."),
    "share.programs": ("For programs", "프로그램에서 쓰기"),
    "share.python": ("Python, with gradio_client", "파이썬, gradio_client"),
    "share.curl": ("Shell, with curl", "셸, curl"),
    "link.broken": (
        "This link is broken and its drawing cannot be read; ask for it again, or draw here.",
        "링크가 깨져 그림을 읽을 수 없습니다. 링크를 다시 받거나 여기에 그려 보세요.",
    ),
    "link.huge": (
        "This link has {length} characters, and those of this page at most {most}; ask for it again, or draw here.",
        "링크가 {length}자인데 이 페이지의 링크는 {most}자를 넘지 않습니다. 링크를 다시 받거나 여기에 그려 보세요.",
    ),
    "link.version": (
        "This link is of version {version} and this page reads version {here}; ask for a new one, or draw here.",
        "링크는 버전 {version}인데 이 페이지는 버전 {here}을 읽습니다. 새 링크를 받거나 여기에 그려 보세요.",
    ),
    "link.size": (
        "The drawing in this link is {size} pixels and the canvas here is {here}; open it where it was made, or draw here.",
        "링크의 그림은 {size} 픽셀인데 여기 그림판은 {here}입니다. 만들어진 곳에서 열거나 여기에 그려 보세요.",
    ),
    "link.missing": (
        "The model of this link, {model}, is not here, so {here} fills in its drawing and the pictures are others.",
        "이 링크의 모델 {model}이(가) 여기에 없어 {here}이(가) 대신 채웁니다. 그래서 다른 그림이 나옵니다.",
    ),
    "link.differs": (
        "This link was made with {what}, so the pictures may differ from those that were shared.",
        "이 링크가 만들어진 조건이 여기와 달라({what}) 공유된 그림과 다를 수 있습니다.",
    ),
    "link.weights": ("weights {there} of {model} (here {here})", "{model}의 가중치 {there}, 여기는 {here}"),
    "link.unlisted": ("without a name", "이름 없음"),
    "link.device": ("{there} (here {here})", "장치 {there}, 여기는 {here}"),
}


def words() -> dict[str, dict[str, str]]:
    """The words by language and key, as the page wants them."""
    return {name: {key: both[place] for key, both in WORDS.items()} for place, name in enumerate(LANGUAGES)}
