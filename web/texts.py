"""Every word of the page, in English and Korean, in one place.

Keys are `part.what`; `{name}` in a sentence is filled in by the page, the same names in both languages. What the server
refuses or tells of itself is said in English, by parts that know nothing of languages, and put into Korean by `refusals`.
"""

LANGUAGES = ("en", "ko")

WORDS = {
    "title": ("PixelCNN", "PixelCNN"),
    "lead": (
        "Draw the top of a digit. A neural network fills in the rest, one pixel at a time.",
        "숫자의 윗부분을 그리세요. 나머지는 신경망이 한 픽셀씩 채웁니다.",
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
        "문지른 곳은 모델이 보지 못합니다. 그곳도 모델이 채웁니다",
    ),
    "easel.undo": ("Undo", "되돌리기"),
    "easel.clear": ("Clear", "모두 지우기"),
    "easel.spot": ("row {row}, column {column}", "{row}행 {column}열"),
    "easel.ink": ("ink", "잉크"),
    "easel.hidden": ("hidden", "가려짐"),
    "easel.canvas": (
        "Drawing canvas. Arrow keys move, space draws, control z undoes.",
        "그림판. 화살표 키로 움직이고, 스페이스 키로 그리고, 컨트롤 Z로 되돌립니다.",
    ),
    "easel.cut": ("Cut line: what is above it is kept", "자르는 선: 위쪽 그림만 남습니다"),
    "easel.cut_at": ("{row} rows are kept", "위 {row}줄이 남습니다"),
    "complete": ("Complete", "완성하기"),
    "stop": ("Stop", "멈추기"),
    # --- the player
    "player.pixel_of": ("Pixel {pixel} of {total}", "픽셀 {pixel} / {total}"),
    "player.given": ("drawn: {colour} ({percent} %)", "그린 값: {colour}({percent}%)"),
    "player.ink": ("ink", "잉크"),
    "player.paper": ("paper", "종이"),
    "player.gray": ("gray {level}", "회색 {level}"),
    "player.nats": ("{nats} nats in all", "모두 {nats} nat"),
    "player.seed": ("seed", "시드"),
    "player.sample": ("Completion {number}", "완성본 {number}"),
    "player.branch": ("from pixel {pixel} on", "픽셀 {pixel}부터 다시"),
    "player.finished": ("The picture is complete.", "그림이 완성되었습니다."),
    "player.broken": ("The completion was stopped.", "그리기가 중단되었습니다."),
    "player.pause": ("Pause", "일시 정지"),
    "player.play": ("Play", "재생"),
    "player.replay": ("Play again", "다시 재생"),
    "player.step": ("One pixel further", "한 픽셀 앞으로"),
    "player.back": ("One pixel back", "한 픽셀 뒤로"),
    "player.speed": ("Speed", "속도"),
    "player.pace": ("{pixels} px/s", "초당 {pixels}픽셀"),
    "player.at_once": ("at once", "한 번에"),
    "player.scrub": ("Pixels shown", "보이는 픽셀 수"),
    "player.tiles": ("Completions; choose one to see it large", "완성본 모음. 하나를 고르면 크게 보입니다"),
    "player.next": ("Next pixel: {percent} % ink", "다음 픽셀: 잉크일 확률 {percent}%"),
    "player.next_at": (
        "Next pixel: {percent} % ink at temperature {temperature}; press play to go on at it",
        "다음 픽셀: 온도 {temperature}에서 잉크일 확률 {percent}%. 재생하면 이 온도로 이어집니다",
    ),
    "player.read": (
        "Row {row}, column {column}: {percent} % ink, said the model; {colour} was drawn, a surprise of {bits} bits.",
        "{row}행 {column}열: 잉크일 확률은 {percent}%였고 {colour}로 그려졌습니다. 놀라움은 {bits}비트입니다.",
    ),
    "player.read_gray": (
        "Row {row}, column {column}: {colour} was drawn, which had {percent} %, a surprise of {bits} bits.",
        "{row}행 {column}열: 그려진 값은 {colour}, 그 확률은 {percent}%, 놀라움은 {bits}비트입니다.",
    ),
    "player.read_yours": (
        "Row {row}, column {column} is yours: the model gave {percent} % to what you drew, a surprise of {bits} bits.",
        "{row}행 {column}열은 직접 그린 곳입니다. 모델이 여기에 준 확률은 {percent}%, 놀라움은 {bits}비트입니다.",
    ),
    "player.flip": ("Flip it and go on from here", "뒤집고 여기서부터 다시"),
    "player.drew": ("Its digit: {digit}", "그리려는 숫자: {digit}"),
    # --- settings
    "settings": ("Settings", "설정"),
    "settings.model": ("Model", "모델"),
    "settings.against": ("Beside it, on the same noise", "같은 잡음으로 나란히 비교"),
    "settings.nobody": ("no other model", "비교하지 않음"),
    "settings.count": ("How many different completions", "서로 다른 완성본의 수"),
    "settings.digit": ("Which digit", "숫자 지정"),
    "settings.drawn": ("the model picks one first", "모델이 먼저 하나 뽑기"),
    "settings.any": ("none", "정하지 않음"),
    "settings.digit_info": (
        "only for models that were trained with digits' names; it picks by the odds of your top, and not where pixels "
        "below are given or hidden",
        "학습할 때 숫자의 종류도 함께 배운 모델에서만 됩니다. 모델은 윗부분을 보고 가능성에 따라 뽑으며, 아래쪽 픽셀이 "
        "주어졌거나 가려진 곳이 있으면 뽑지 않습니다",
    ),
    "settings.temperature": ("Temperature", "온도"),
    "settings.temperature_info": (
        "1 is what the model learned; lower is safer, higher is wilder",
        "1은 모델이 배운 그대로입니다. 낮추면 무난해지고 높이면 거칠어집니다",
    ),
    "settings.seed": ("Seed", "시드"),
    "settings.dice": ("A new seed each time", "매번 새 시드"),
    "model.pixelcnn": ("PixelCNN, 2016: masked convolutions", "PixelCNN, 2016: 마스크 합성곱"),
    "model.row_lstm": (
        "Row LSTM, 2016: each row remembers the rows above",
        "Row LSTM, 2016: 각 줄이 윗줄들을 기억함",
    ),
    "model.diagonal_bilstm": (
        "Diagonal BiLSTM, 2016: memory runs along the diagonals",
        "Diagonal BiLSTM, 2016: 기억이 대각선을 따라 흐름",
    ),
    "model.gated_pixelcnn": (
        "Gated PixelCNN, 2016: gates, no blind spot, can be told the digit",
        "Gated PixelCNN, 2016: 게이트, 사각지대 없음, 숫자를 지정할 수 있음",
    ),
    "model.pixelcnn_pp": ("PixelCNN++, 2017: shades of gray", "PixelCNN++, 2017: 여러 단계의 회색"),
    "model.freeform": (
        "Freeform, ours: sees the whole past and any part you give, can be told the digit",
        "Freeform, 우리 모델: 앞선 픽셀 전부와 어디든 주어진 부분을 봄, 숫자를 지정할 수 있음",
    ),
    # --- what the server is doing
    "about": ("About", "정보"),
    "about.device": (
        "Running on {device} with {weights}. What you draw stays between this page and its server, and is not kept.",
        "{device}에서 {weights}(으)로 실행 중입니다. 그린 그림은 이 페이지와 서버 사이에서만 오가며 저장되지 않습니다.",
    ),
    "about.line": (
        "{active} pictures under way, {waiting} waiting; {pixels_per_s} pixels a second, {ms_per_tick} ms a step",
        "그리는 중 {active}장, 기다리는 중 {waiting}장. 초당 {pixels_per_s}픽셀, 한 단계에 {ms_per_tick}밀리초",
    ),
    "about.silent": ("The server does not answer.", "서버가 응답하지 않습니다."),
    "about.cost": (
        "The last completion: {ms} ms for {pixels} pixels, {each} ms a pixel. {steps} steps over a cache did what would "
        "naively take {naive} passes over the whole picture.",
        "마지막 완성: {pixels}픽셀에 {ms}밀리초, 픽셀당 {each}밀리초. 단순한 방법으로는 그림 전체를 {naive}번 계산해야 "
        "하지만, 캐시를 써서 {steps}단계로 끝냈습니다.",
    ),
    "about.cost_many": (
        "The last completion: {ms} ms for {pictures} pictures of {pixels} pixels each, {each} ms a pixel. {steps} steps "
        "over a cache did what would naively take {naive} passes over all {pictures} pictures.",
        "마지막 완성: {pixels}픽셀짜리 그림 {pictures}장에 {ms}밀리초, 픽셀당 {each}밀리초. 단순한 방법으로는 그림 "
        "{pictures}장 전체를 {naive}번 계산해야 하지만, 캐시를 써서 {steps}단계로 끝냈습니다.",
    ),
    "server.cpu": ("the CPU", "CPU"),
    "about.no_cost": ("Complete a picture to see what it costs.", "그림을 완성하면 계산에 든 비용이 여기에 나옵니다."),
    "about.keys": ("Keys", "단축키"),
    "close": ("Close", "닫기"),
    # --- lenses
    "lens": ("Lens", "렌즈"),
    "lens.none": ("Plain", "그대로"),
    "lens.mean": ("What may come", "나올 수 있는 그림"),
    "lens.doubt": ("Doubt", "망설임"),
    "lens.surprise": ("Surprise", "놀라움"),
    "lens.sight": ("Where it looks", "보는 곳"),
    "lens.more": ("Complete it sixteen ways", "열여섯 가지로 완성하기"),
    "lens.few": (
        "A mean of so few completions would show the answer itself.",
        "완성된 그림이 너무 적어 평균이 곧 답을 보여 줍니다.",
    ),
    "lens.nothing": ("Complete a picture first.", "먼저 그림을 완성하세요."),
    "lens.none_note": ("The picture as it is.", "그림 그대로입니다."),
    "lens.mean_note": (
        "Ahead of the current pixel: the mean of {count} completions of your drawing.",
        "지금 픽셀 다음: 완성본 {count}장의 평균입니다.",
    ),
    "lens.doubt_note": (
        "Ahead of the current pixel: how undecided {count} completions are, up to one bit a pixel.",
        "지금 픽셀 다음: 완성본 {count}장이 얼마나 엇갈리는지 보입니다. 픽셀당 최대 1비트입니다.",
    ),
    "lens.surprise_note": (
        "The stronger the colour, the less the model expected what is there, yours and its own.",
        "색이 짙을수록 모델이 예상하지 못한 픽셀입니다. 직접 그린 곳과 모델이 그린 곳 모두 보입니다.",
    ),
    "lens.sight_note": (
        "Where the model looks for the next pixel, from its real gradient; stand still to see it.",
        "다음 픽셀을 위해 모델이 보는 곳입니다. 실제 기울기로 구하며, 멈추면 보입니다.",
    ),
    "lens.mean_least": ("never ink", "잉크 없음"),
    "lens.mean_most": ("always ink", "언제나 잉크"),
    "lens.doubt_least": ("sure, 0 bits", "확실함, 0비트"),
    "lens.doubt_most": ("even odds, 1 bit", "반반, 1비트"),
    "lens.surprise_least": ("expected, 0 bits", "예상대로, 0비트"),
    "lens.surprise_most": ("{bits} bits or more", "{bits}비트 이상"),
    "lens.sight_least": ("does not matter", "영향 없음"),
    "lens.sight_most": ("matters most", "가장 큰 영향"),
    # --- what models see
    "sight": ("What it sees", "모델의 시야"),
    "sight.lead": (
        "A pixel may depend on those before it alone. Masks see to that: blue is read, the centre only by mask B.",
        "픽셀은 그보다 앞선 픽셀에만 의존합니다. 마스크가 이를 지킵니다. 파란 곳만 읽고, 가운데는 마스크 B만 읽습니다.",
    ),
    "sight.mask_a": ("Mask A: the first layer", "마스크 A: 첫 번째 층"),
    "sight.mask_b": ("Mask B: all others", "마스크 B: 나머지 층"),
    "sight.pair": (
        "Stacked, PixelCNN's masks leave a blind spot, in yellow: pixels before the orange one that no number of layers "
        "lets it see. Gray is only further away than its layers reach.",
        "PixelCNN의 마스크를 쌓으면 사각지대(노란색)가 생깁니다. 주황색 픽셀보다 앞서지만 층을 아무리 쌓아도 볼 수 없는 "
        "픽셀들입니다. 회색은 층이 닿지 않을 만큼 먼 곳입니다.",
    ),
    "sight.pixel": ("Pixel that is predicted", "예측되는 픽셀"),
    "sight.at": ("Row {row}, column {column}", "{row}행 {column}열"),
    "sight.looking": ("Looking …", "살펴보는 중…"),
    "sight.unseen": ("{model} sees all of the {all} pixels before it.", "{model}: 앞선 {all}픽셀을 모두 봅니다."),
    "sight.blind": (
        "{model} does not see {count} of the {all} pixels before it: {blind} in its blind spot, {far} too far away.",
        "{model}: 앞선 {all}픽셀 가운데 {count}개를 보지 못합니다. 사각지대에 {blind}개, 너무 먼 곳에 {far}개입니다.",
    ),
    # --- which digit
    "digits": ("Which digit?", "어떤 숫자일까요?"),
    "digits.nothing": ("Complete a picture, and watch the bars.", "그림을 완성하고 막대를 지켜보세요."),
    "digits.wait": ("Working it out …", "계산하고 있습니다 …"),
    "digits.no_classes": (
        "{model} was never told which digit is which; choose a model that can be told the digit.",
        "{model}에게는 숫자의 이름을 알려 준 적이 없습니다. 숫자를 지정할 수 있는 모델을 고르세요.",
    ),
    "digits.lot": (
        "Before the first pixel it picked {digit}, by the odds that the bars show there. From then on they are what "
        "somebody sees who was not told.",
        "첫 픽셀을 그리기 전에, 그때 막대가 보여 주는 가능성에 따라 {digit}을(를) 뽑았습니다. 그 뒤의 막대는 그 사실을 "
        "모르는 사람이 보는 가능성입니다.",
    ),
    "digits.lot_at": (
        "Before the first pixel it picked {digit}, by the odds that the bars show there, at temperature {temperature}. "
        "From then on they are what somebody sees who was not told.",
        "첫 픽셀을 그리기 전에, 그때 막대가 보여 주는 가능성을 온도 {temperature}로 바꾸어 {digit}을(를) 뽑았습니다. 그 "
        "뒤의 막대는 그 사실을 모르는 사람이 보는 가능성입니다.",
    ),
    "digits.told": (
        "It was told to draw {digit}. The bars are what somebody sees who was not told.",
        "{digit}을(를) 그리라고 알려 주었습니다. 막대는 그 사실을 모르는 사람이 보는 가능성입니다.",
    ),
    "digits.surprise": ("Surprise", "놀라움"),
    "digits.yours": (
        "Your drawing: {bits} bits over {pixels} pixels.",
        "직접 그린 부분: {pixels}픽셀에 {bits}비트.",
    ),
    "digits.yours_none": ("Nothing was given, so nothing of yours was surprising.", "주어진 것이 없어 놀라움도 없습니다."),
    "digits.yours_unknown": (
        "How surprising your drawing is cannot be said exactly when known pixels come after unknown ones.",
        "주어진 픽셀이 모르는 픽셀보다 뒤에 있으면 그림이 얼마나 놀라운지 정확히 말할 수 없습니다.",
    ),
    "digits.its": (
        "The model's pixels so far: {bits} bits over {pixels} pixels.",
        "지금까지 모델이 그린 픽셀: {pixels}픽셀에 {bits}비트.",
    ),
    # --- quiz
    "quiz": ("Quiz", "퀴즈"),
    "quiz.lead": (
        "Ten pixels, each before it is shown: is it ink or paper, and how sure are you? Whoever is surprised less, you or "
        "the model, has won.",
        "픽셀 열 개를 보기 전에 맞혀 보세요. 잉크일까요, 종이일까요? 얼마나 확신하나요? 모델보다 덜 놀라면 이깁니다.",
    ),
    "quiz.start": ("Start", "시작하기"),
    "quiz.waiting": (
        "The model is drawing anew, out of sight, and was told no more than you …",
        "모델이 보이지 않는 곳에서 새로 그리고 있습니다. 아는 것은 여러분과 같습니다…",
    ),
    "quiz.ask": (
        "Question {number} of {total}: what will the pixel in the orange frame be?",
        "질문 {number} / {total}: 주황색 테두리 안의 픽셀은 무엇일까요?",
    ),
    "quiz.scale": ("Your guess; keys 1 to 5", "추측하기, 숫자 키 1~5"),
    "quiz.surely_paper": ("surely paper", "분명히 종이"),
    "quiz.rather_paper": ("rather paper", "아마도 종이"),
    "quiz.no_idea": ("no idea", "모르겠음"),
    "quiz.rather_ink": ("rather ink", "아마도 잉크"),
    "quiz.surely_ink": ("surely ink", "분명히 잉크"),
    "quiz.stakes": (
        "The percentage is how probable you say ink is. Sure and right costs 0.04 bits, sure and wrong 5.06, no idea 1.",
        "백분율은 잉크일 확률입니다. 확신하고 맞히면 0.04비트, 확신하고 틀리면 5.06비트, 모르겠다고 하면 1비트가 듭니다.",
    ),
    "quiz.was_ink": (
        "Ink! It cost you {yours} bits and the model {models}.",
        "잉크였습니다! 여러분은 {yours}비트, 모델은 {models}비트 놀랐습니다.",
    ),
    "quiz.was_paper": (
        "Paper! It cost you {yours} bits and the model {models}.",
        "종이였습니다! 여러분은 {yours}비트, 모델은 {models}비트 놀랐습니다.",
    ),
    "quiz.next": ("Next pixel", "다음 픽셀"),
    "quiz.result": ("Who won?", "결과 보기"),
    "quiz.you": ("You", "여러분"),
    "quiz.model": ("The model", "모델"),
    "quiz.bits": ("{bits} bits", "{bits}비트"),
    "quiz.you_won": (
        "Well done! You needed {yours} bits and the model {models}: you compressed the picture better, by {by} bits.",
        "훌륭합니다! 여러분은 {yours}비트, 모델은 {models}비트가 들었습니다. 여러분이 {by}비트만큼 더 잘 압축했습니다.",
    ),
    "quiz.model_won": (
        "You needed {yours} bits and the model {models}: this time the model compressed better, by {by} bits. Once more?",
        "여러분은 {yours}비트, 모델은 {models}비트가 들었습니다. 이번에는 모델이 {by}비트만큼 더 잘 압축했습니다. 한 번 더 "
        "해 볼까요?",
    ),
    "quiz.nobody_won": (
        "A draw: you needed {yours} bits and the model {models}, only {by} apart. You think like it.",
        "비겼습니다. 여러분은 {yours}비트, 모델은 {models}비트로 차이가 {by}비트뿐입니다. 모델과 생각이 같네요.",
    ),
    "quiz.again": ("Play again", "다시 하기"),
    "quiz.off": ("The picture changed, so this round is over.", "그림이 바뀌어서 이번 판은 여기서 끝났습니다."),
    "quiz.nothing": (
        "Nothing here is worth a guess: the model is sure of every pixel. Draw something else.",
        "모델이 모든 픽셀을 확신하고 있어 물어볼 것이 없습니다. 다른 그림을 그려 보세요.",
    ),
    "quiz.gray": (
        "The quiz needs a model of ink and paper, and this one draws in grays. Choose another in the settings.",
        "퀴즈에는 잉크와 종이만 쓰는 모델이 필요한데 이 모델은 회색으로 그립니다. 설정에서 다른 모델을 고르세요.",
    ),
    # --- tour
    "tour": ("Guided tour", "둘러보기"),
    "tour.lead": (
        "A few steps that point at the real controls. Do each one yourself, or let it be shown.",
        "실제 조작 도구를 하나씩 짚어 가며 안내합니다. 직접 해 보거나 시범을 보세요.",
    ),
    "tour.child": ("For children", "어린이"),
    "tour.child_about": ("How does a machine draw?", "기계는 그림을 어떻게 그릴까요?"),
    "tour.student": ("For students", "학생"),
    "tour.student_about": ("Probability, temperature, surprise", "확률, 온도, 놀라움"),
    "tour.researcher": ("For researchers", "연구자"),
    "tour.researcher_about": (
        "Exact likelihood, caches, blind spots, six networks",
        "정확한 우도, 캐시, 사각지대, 여섯 신경망",
    ),
    "tour.show": ("Show me", "시범 보기"),
    "tour.next": ("Next", "다음"),
    "tour.back": ("Back", "이전"),
    "tour.leave": ("Leave the tour", "둘러보기 끝내기"),
    "tour.end": (
        "That was the tour. Everything you saw is yours to play with.",
        "둘러보기가 끝났습니다. 이제 마음껏 사용해 보세요.",
    ),
    "tour.child.draw": (
        "A picture is made of tiny squares. Each one is a pixel. Draw the top of a 7 with them!",
        "그림은 작은 네모로 이루어져 있어요. 네모 하나가 픽셀이에요. 픽셀로 7의 윗부분을 그려 보세요!",
    ),
    "tour.child.cut": (
        "Above this blue line the picture is yours. Below it the machine draws. Pull the line up or down.",
        "파란 선 위는 내 그림이에요. 선 아래는 기계가 그려요. 선을 위아래로 끌어 보세요.",
    ),
    "tour.child.complete": (
        "Press the button and watch: the machine guesses the rest.",
        "단추를 누르고 지켜보세요. 기계가 나머지를 맞혀 가며 그려요.",
    ),
    "tour.child.slow": (
        "That was fast! Make it slower and play it again: it guesses one pixel after the other.",
        "참 빠르지요? 속도를 늦추고 다시 재생해 보세요. 픽셀을 하나씩 차례로 맞혀요.",
    ),
    "tour.child.step": (
        "Stop it, and go on by a single pixel. The orange frame is where the next one comes.",
        "멈춘 다음 한 픽셀만 앞으로 가 보세요. 주황색 테두리가 다음 픽셀 자리예요.",
    ),
    "tour.child.odds": (
        "First it throws a die for which digit it will be. Then, before each pixel, it says how likely ink is, and "
        "throws again. Take a few steps and watch this bar.",
        "먼저 주사위를 던져 어떤 숫자를 그릴지 정해요. 그다음 픽셀마다 잉크가 나올 가능성을 말하고 또 던져요. 몇 걸음 "
        "가면서 이 막대를 보세요.",
    ),
    "tour.child.finish": ("Now let it run to the end.", "이제 끝까지 그리게 해 보세요."),
    "tour.child.nine": (
        "The dice fall differently each time. Ask for 9 and press Complete: one top, nine endings!",
        "주사위는 매번 다르게 나와요. 9를 고르고 완성하기를 누르세요. 윗부분은 하나, 결말은 아홉 가지!",
    ),
    "tour.child.choose": ("Which one do you like? Choose another.", "어떤 그림이 마음에 드나요? 다른 것을 골라 보세요."),
    "tour.child.yours": (
        "Clear the paper. Now it is your turn: what will it make of your own drawing?",
        "종이를 비우세요. 이제 여러분 차례예요. 내 그림을 기계는 어떻게 이어 그릴까요?",
    ),
    "tour.student.draw": (
        "Draw the top of a digit. It becomes the condition: all that follows is drawn given these pixels.",
        "숫자의 윗부분을 그리세요. 이것이 조건이 됩니다. 이어지는 픽셀은 모두 이 픽셀들을 조건으로 그려집니다.",
    ),
    "tour.student.product": (
        "p(x) = p(x₁) · p(x₂ | x₁) · p(x₃ | x₁, x₂) ⋯ : one factor a pixel, given all before it, and here the digit that "
        "was picked first. Step through some.",
        "p(x) = p(x₁) · p(x₂ | x₁) · p(x₃ | x₁, x₂) ⋯ 픽셀마다 앞선 모든 픽셀과, 여기서는 먼저 뽑은 숫자를 조건으로 하는 "
        "인수가 하나씩 있습니다. 몇 개를 한 걸음씩 지나가 보세요.",
    ),
    "tour.student.temperature": (
        "Temperature divides the logits before a pixel is drawn. Move it, and watch the next pixel's probability change.",
        "온도는 픽셀을 뽑기 전에 로짓을 나누는 값입니다. 움직이면서 다음 픽셀의 확률이 어떻게 변하는지 보세요.",
    ),
    "tour.student.go_on": (
        "Play on: from this pixel a new picture branches off, drawn at the new temperature.",
        "이어서 재생하세요. 이 픽셀부터 새 온도로 그린 그림이 갈라져 나옵니다.",
    ),
    "tour.student.read": (
        "Tap a pixel that the model drew. Its surprise is -log₂ p bits: likely pixels cost little, unlikely ones much.",
        "모델이 그린 픽셀을 눌러 보세요. 놀라움은 -log₂ p 비트입니다. 그럴듯한 픽셀은 적게, 뜻밖의 픽셀은 많이 듭니다.",
    ),
    "tour.student.flip": (
        "Tap a pixel and flip it. Masks in every layer let a pixel depend on those above and to its left alone: all before "
        "it stays, all after it is drawn anew.",
        "픽셀을 누르고 뒤집어 보세요. 층마다 있는 마스크 때문에 픽셀은 위쪽과 왼쪽 픽셀에만 의존합니다. 그 앞은 그대로이고 "
        "그 뒤는 새로 그려집니다.",
    ),
    "tour.student.sight": (
        "Open this: here are the masks, and how far a network looks for one pixel. Move the slider.",
        "열어 보세요. 마스크와, 픽셀 하나를 위해 신경망이 어디까지 보는지 나옵니다. 슬라이더를 움직여 보세요.",
    ),
    "tour.student.seed": (
        "The random numbers come from a seed. Untick the box and complete twice: the same seed, the same picture.",
        "난수는 시드에서 나옵니다. 표시를 끄고 두 번 완성해 보세요. 시드가 같으면 그림도 같습니다.",
    ),
    "tour.student.digits": (
        "Which digit is it becoming? A model that knows classes says so pixel by pixel, by Bayes' rule.",
        "어떤 숫자가 되어 갈까요? 숫자의 종류를 아는 모델이 베이즈 정리로 픽셀마다 알려 줍니다.",
    ),
    "tour.student.quiz": (
        "Now guess yourself: who needs fewer bits, you or the model?",
        "이제 직접 맞혀 보세요. 여러분과 모델 가운데 누가 더 적은 비트를 쓸까요?",
    ),
    "tour.researcher.nats": (
        "The likelihood is exact, no bound: let a picture finish and read -ln p of the unknown pixels given the known and "
        "its digit, in nats.",
        "우도는 하한이 아니라 정확한 값입니다. 그림을 끝까지 그리고, 주어진 픽셀과 뽑은 숫자에 대한 나머지 픽셀의 -ln "
        "p를 nat 단위로 읽어 보세요.",
    ),
    "tour.researcher.about": (
        "Every layer caches what it has seen, so all steps together do the work of about one pass; with the noise fixed, "
        "several pixels are tried at once and kept as far as they hold.",
        "층마다 본 것을 캐시에 두므로 모든 단계를 합쳐도 한 번 통과하는 정도의 계산이면 됩니다. 잡음이 정해져 있으니 여러 "
        "픽셀을 한꺼번에 시도하고 맞는 데까지 남깁니다.",
    ),
    "tour.researcher.pixelcnn": (
        "PixelCNN (1601.06759): masked convolutions, A first, then B. Stacked, they miss a wedge to the right above: the "
        "blind spot.",
        "PixelCNN(1601.06759): 마스크 합성곱, 처음은 A, 그다음은 B입니다. 쌓으면 오른쪽 위의 쐐기 모양을 보지 못합니다. "
        "이것이 사각지대입니다.",
    ),
    "tour.researcher.sight": (
        "The receptive fields of two models, from the real gradient. Yellow is the blind spot.",
        "두 모델의 수용 영역을 실제 기울기로 구한 것입니다. 노란 곳이 사각지대입니다.",
    ),
    "tour.researcher.row_lstm": (
        "Row LSTM (1601.06759): a recurrence from row to row, which sees a triangle that opens upwards.",
        "Row LSTM(1601.06759): 줄에서 줄로 이어지는 순환망으로, 위로 벌어지는 삼각형을 봅니다.",
    ),
    "tour.researcher.diagonal_bilstm": (
        "Diagonal BiLSTM (1601.06759): along both diagonals it sees the whole past, and pays for it in time.",
        "Diagonal BiLSTM(1601.06759): 두 대각선을 따라 앞선 픽셀 전부를 보는 대신 시간이 더 듭니다.",
    ),
    "tour.researcher.gated_pixelcnn": (
        "Gated PixelCNN (1606.05328): a vertical and a horizontal stack close the blind spot, and gates replace the ReLUs.",
        "Gated PixelCNN(1606.05328): 수직과 수평 두 스택이 사각지대를 없애고, ReLU 대신 게이트를 씁니다.",
    ),
    "tour.researcher.pixelcnn_pp": (
        "PixelCNN++ (1701.05517): a mixture of discretized logistics instead of a softmax, at three resolutions.",
        "PixelCNN++(1701.05517): 소프트맥스 대신 이산화한 로지스틱 혼합을, 세 해상도에서 씁니다.",
    ),
    "tour.researcher.freeform": (
        "Freeform, ours: attention between gated convolutions sees the whole past, and known pixels may lie anywhere.",
        "Freeform, 우리 모델: 게이트 합성곱 사이의 어텐션이 앞선 픽셀 전부를 보고, 주어진 픽셀은 어디에 있어도 됩니다.",
    ),
    "tour.researcher.against": (
        "Two models on the same noise, side by side: all that differs is what they learned.",
        "두 모델을 같은 잡음으로 나란히 놓습니다. 다른 것은 오직 배운 내용뿐입니다.",
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


# What somebody at the page may be told by the server, as it says it, with {name} for what differs, and in Korean.
OF_SERVER = {
    "All pixels are known, so there is nothing to fill; leave some unknown, below the cut line.": (
        "모든 픽셀이 주어져 채울 것이 없습니다. 자르는 선 아래에 빈 곳을 남겨 주세요."
    ),
    "{model} fills from the top, row by row, and cannot use known pixel ({row}, {column}), "
    "which comes after unknown pixel ({from_row}, {from_column}); "
    "let the known pixels end before the unknown begin, or choose freeform, which takes any.": (
        "{model}은(는) 위에서부터 한 줄씩 채우므로, 모르는 픽셀 ({from_row}, {from_column}) 뒤에 오는 "
        "픽셀 ({row}, {column})은 알아도 쓸 수 없습니다. "
        "모르는 픽셀이 시작되기 전까지만 알려 주거나, 어디든 알려 줄 수 있는 freeform을 고르세요."
    ),
    "The house is full, {count} pictures are under way; try again in {wait} s.": (
        "지금 그림 {count}장을 그리고 있어 자리가 없습니다. {wait}초 뒤에 다시 해 보세요."
    ),
    "samples is {count}; this server gives at most {most}.": (
        "그림 {count}장을 한꺼번에 그려 달라고 했는데 이 서버는 {most}장까지 그립니다."
    ),
    "The completion was given up before it was whole; try again.": "그림이 다 되기 전에 그만두었습니다. 다시 해 보세요.",
    "The server is stopping; try again when it is back.": "서버가 멈추는 중입니다. 다시 켜지면 해 보세요.",
    "{model} failed on this picture; try again, or another model.": (
        "{model}이(가) 이 그림에 실패했습니다. 다시 해 보거나 다른 모델을 고르세요."
    ),
    "{model} was not lent a GPU or failed; try again in a while.": (
        "{model}이(가) GPU를 빌리지 못했거나 실패했습니다. 잠시 뒤에 다시 해 보세요."
    ),
    "There is no model {model}; choose one of {names}.": "모델 {model}은(는) 없습니다. {names} 가운데에서 고르세요.",
    "{model} cannot be told to draw a {digit}; leave the digit at any, -1.": (
        "{model}은(는) 숫자를 모르므로 {digit}을(를) 그려 달라고 할 수 없습니다. 숫자를 정하지 마세요."
    ),
    "{model} knows no digits of which to draw one first; leave the digit at any, -1.": (
        "{model}은(는) 숫자를 모르므로 먼저 하나를 뽑을 수 없습니다. 숫자를 정하지 마세요."
    ),
    "Which digit it may be can be told where the known pixels come first, row by row; "
    "here known ones come after unknown ones, so leave the digit at any, -1.": (
        "어떤 숫자일지는 아는 픽셀이 맨 앞 줄부터 이어질 때만 말할 수 있습니다. "
        "여기서는 모르는 픽셀 뒤에 아는 픽셀이 있으니 숫자를 정하지 마세요."
    ),
    "{model} knows no digits, so it cannot tell which one this is; choose a model with classes.": (
        "{model}은(는) 숫자를 모르므로 어떤 숫자인지 말할 수 없습니다. 숫자를 아는 모델을 고르세요."
    ),
    "Which digit it is can be told where the known pixels come first, row by row; here known ones come after unknown ones, "
    "so draw the top alone.": (
        "어떤 숫자인지는 아는 픽셀이 맨 앞 줄부터 이어질 때만 말할 수 있습니다. "
        "여기서는 모르는 픽셀 뒤에 아는 픽셀이 있으니 윗부분만 그려 주세요."
    ),
    "The wall is closed; ask your teacher to open it.": "벽이 닫혀 있습니다. 선생님께 열어 달라고 하세요.",
    "{count} pictures of yours are up within a minute; put the next one a little later.": (
        "1분 안에 그림 {count}장을 걸었습니다. 다음 그림은 조금 뒤에 걸어 주세요."
    ),
    "This is not the teacher's key; it was printed where the page was started.": (
        "선생님의 열쇠가 아닙니다. 열쇠는 페이지를 시작한 곳에 적혀 있습니다."
    ),
    "The name has {length} characters; expected at most {most}, or none.": (
        "이름이 {length}자입니다. {most}자까지 쓰거나 비워 두세요."
    ),
    "There is no class here; start the page with python app.py --lan to have one.": (
        "여기에는 수업이 없습니다. 수업을 열려면 python app.py --lan으로 시작하세요."
    ),
    "This machine is in no network; join the class's Wi-Fi, a phone's hotspot will do, and look here again.": (
        "이 컴퓨터가 네트워크에 없습니다. 교실 와이파이나 휴대폰 핫스팟에 연결한 뒤 다시 보세요."
    ),
    "The page listens on {host}, this machine alone; start it without GRADIO_SERVER_NAME.": (
        "페이지가 이 컴퓨터에서만({host}) 열립니다. GRADIO_SERVER_NAME 없이 시작하세요."
    ),
    "A film shows 1 to {most} pictures, not {count}; choose fewer and try again.": (
        "움직이는 그림에는 {most}장까지 들어가는데 {count}장입니다. 줄여서 다시 해 보세요."
    ),
    # which weights it shows
    "the weights that came with it": "함께 들어 있는 가중치",
    "the weights that came with it, until those of {repository} are here": (
        "{repository}의 가중치를 받는 동안 함께 들어 있는 가중치"
    ),
    "the weights that came with it (those of {repository} could not be taken: {fault})": (
        "함께 들어 있는 가중치({repository}의 가중치는 받지 못했습니다: {fault})"
    ),
    "the weights that came with it ({reason})": "함께 들어 있는 가중치({reason})",
    "the weights of {repository} at {revision}": "{repository}의 가중치 {revision}",
    "the weights of {file}": "{file}의 가중치",
}
