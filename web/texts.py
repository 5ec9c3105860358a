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
    # --- lenses
    "lens": ("Lens", "렌즈"),
    "lens.none": ("Plain", "그대로"),
    "lens.mean": ("What may come", "올 수 있는 것"),
    "lens.doubt": ("Doubt", "망설임"),
    "lens.surprise": ("Surprise", "놀라움"),
    "lens.sight": ("Where it looks", "보는 곳"),
    "lens.more": ("Complete it sixteen ways", "열여섯 가지로 완성하기"),
    "lens.nothing": ("Complete a picture first.", "먼저 그림을 완성하세요."),
    "lens.none_note": ("The picture as it is.", "그림 그대로입니다."),
    "lens.mean_note": (
        "Ahead of the current pixel: the mean of {count} completions of your drawing.",
        "지금 픽셀보다 앞쪽: 그림을 완성한 {count}장의 평균입니다.",
    ),
    "lens.doubt_note": (
        "Ahead of the current pixel: how undecided {count} completions are, up to one bit a pixel.",
        "지금 픽셀보다 앞쪽: 완성된 {count}장이 얼마나 갈리는지, 픽셀당 1비트까지 보입니다.",
    ),
    "lens.surprise_note": (
        "The stronger the colour, the less the model expected what is there, yours and its own.",
        "색이 짙을수록 모델이 예상하지 못한 것입니다. 직접 그린 곳도, 모델이 그린 곳도 보입니다.",
    ),
    "lens.sight_note": (
        "Where the model looks for the next pixel, from its real gradient; stand still to see it.",
        "다음 픽셀을 위해 모델이 보는 곳입니다. 실제 기울기로 구하며, 멈추면 보입니다.",
    ),
    # --- what models see
    "sight": ("What it sees", "모델의 시야"),
    "sight.lead": (
        "A pixel may depend on those before it alone. Masks see to that: blue is read, the centre only by mask B.",
        "픽셀은 그보다 앞선 픽셀에만 의존합니다. 마스크가 이를 지킵니다. 파란 곳만 읽고, 가운데는 마스크 B만 읽습니다.",
    ),
    "sight.mask_a": ("Mask A: the first layer", "마스크 A: 첫 번째 층"),
    "sight.mask_b": ("Mask B: all others", "마스크 B: 나머지 층"),
    "sight.pair": (
        "Stacked, PixelCNN's masks leave a blind spot, in yellow: pixels before the orange one that it can never see.",
        "PixelCNN의 마스크를 쌓으면 사각지대(노란색)가 생깁니다. 주황색 픽셀보다 앞서지만 결코 볼 수 없는 픽셀들입니다.",
    ),
    "sight.pixel": ("Pixel that is predicted", "예측되는 픽셀"),
    "sight.at": ("Row {row}, column {column}", "{row}행 {column}열"),
    "sight.unseen": (
        "{model} does not see {count} of the {all} pixels before it.",
        "{model}: 앞선 {all} 픽셀 가운데 {count}개를 보지 못합니다.",
    ),
    # --- which digit
    "digits": ("Which digit?", "어떤 숫자?"),
    "digits.nothing": ("Complete a picture, and watch the bars.", "그림을 완성하고 막대를 지켜보세요."),
    "digits.wait": ("Working it out …", "계산하고 있습니다 …"),
    "digits.no_classes": (
        "{model} was never told which digit is which; choose a model that can be told the digit.",
        "{model}에게는 숫자의 이름을 알려 준 적이 없습니다. 숫자를 지정할 수 있는 모델을 고르세요.",
    ),
    "digits.surprise": ("Surprise", "놀라움"),
    "digits.yours": (
        "Your drawing: {bits} bits over {pixels} pixels.",
        "직접 그린 부분: {pixels} 픽셀에 {bits}비트.",
    ),
    "digits.yours_none": ("Nothing was given, so nothing of yours was surprising.", "주어진 것이 없어 놀라움도 없습니다."),
    "digits.yours_unknown": (
        "How surprising your drawing is cannot be said exactly when known pixels come after unknown ones.",
        "알려진 픽셀이 모르는 픽셀 뒤에 있으면, 그림이 얼마나 놀라운지 정확히 말할 수 없습니다.",
    ),
    "digits.its": (
        "The model's pixels so far: {bits} bits over {pixels} pixels.",
        "지금까지 모델이 그린 픽셀: {pixels} 픽셀에 {bits}비트.",
    ),
    # --- in class
    "projector": ("Projector", "프로젝터"),
    "projector.leave": ("Leave projector mode", "프로젝터 모드 끝내기"),
    "class": ("In class", "수업"),
    "class.join": ("Join in at", "여기로 접속하세요"),
    "class.code": ("QR code of {address}", "{address}의 QR 코드"),
    "class.wall": ("Class wall", "우리 반 벽"),
    "class.name": ("A name, if you like", "이름 (원하면)"),
    "class.put": ("Put it on the wall", "벽에 걸기"),
    "class.is_up": ("It is on the wall.", "벽에 걸렸습니다."),
    "class.first": (
        "Complete a picture, and you can show it to all; the wall is gone when the server stops.",
        "그림을 완성하면 모두에게 보여 줄 수 있습니다. 서버가 멈추면 벽은 사라집니다.",
    ),
    "class.empty": ("Nothing is on the wall yet; be the first.", "아직 벽이 비어 있습니다. 처음으로 걸어 보세요."),
    "class.count": (
        "{count} on the wall, seen by all; gone when the server stops.",
        "벽에 {count}장, 모두에게 보입니다. 서버가 멈추면 사라집니다.",
    ),
    "class.closed": ("The wall is closed for now.", "지금은 벽이 닫혀 있습니다."),
    "class.whole": ("Show the wall on the whole page", "벽을 화면 가득 보기"),
    "class.teacher": ("For the teacher", "선생님께"),
    "class.key": ("Key, printed at start", "시작할 때 출력된 열쇠"),
    "class.clear": ("Clear the wall", "벽 비우기"),
    "class.sure": ("Take everything off the wall, for everybody?", "모두의 벽에서 그림을 전부 내릴까요?"),
    "class.close": ("Close the wall", "벽 닫기"),
    "class.open": ("Reopen the wall", "벽 다시 열기"),
    "class.did_clear": ("The wall is empty.", "벽을 비웠습니다."),
    "class.did_close": ("The wall is closed.", "벽을 닫았습니다."),
    "class.did_open": ("The wall is open.", "벽을 열었습니다."),
}


def words() -> dict[str, dict[str, str]]:
    """The words by language and key, as the page wants them."""
    return {name: {key: both[place] for key, both in WORDS.items()} for place, name in enumerate(LANGUAGES)}
