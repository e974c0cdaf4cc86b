"""The 64 emoji the demo network names, and the emoji that only serve as clutter."""

CLASSES = (
    # animals
    (0x1F436, "dog"), (0x1F431, "cat"), (0x1F430, "rabbit"), (0x1F437, "pig"), (0x1F438, "frog"),
    (0x1F43C, "panda"), (0x1F981, "lion"), (0x1F418, "elephant"), (0x1F427, "penguin"), (0x1F989, "owl"),
    (0x1F422, "turtle"), (0x1F420, "fish"), (0x1F419, "octopus"), (0x1F980, "crab"), (0x1F98B, "butterfly"),
    (0x1F41D, "bee"),
    # plants and food
    (0x1F339, "rose"), (0x1F33B, "sunflower"), (0x1F335, "cactus"), (0x1F333, "tree"), (0x1F344, "mushroom"),
    (0x1F34E, "apple"), (0x1F34C, "banana"), (0x1F34B, "lemon"), (0x1F347, "grapes"), (0x1F349, "watermelon"),
    (0x1F353, "strawberry"), (0x1F34D, "pineapple"), (0x1F955, "carrot"), (0x1F33D, "corn"), (0x1F9C0, "cheese"),
    (0x1F355, "pizza"), (0x1F354, "hamburger"), (0x1F366, "ice cream"), (0x1F369, "doughnut"), (0x1F382, "cake"),
    (0x2615, "coffee"),
    # transport
    (0x1F697, "car"), (0x1F68C, "bus"), (0x1F6B2, "bicycle"), (0x1F69C, "tractor"), (0x2708, "airplane"),
    (0x1F680, "rocket"), (0x26F5, "sailboat"),
    # things
    (0x1F3E0, "house"), (0x2602, "umbrella"), (0x1F511, "key"), (0x2702, "scissors"), (0x1F4D6, "book"),
    (0x1F4A1, "light bulb"), (0x23F0, "alarm clock"), (0x1F4F7, "camera"), (0x1F3B8, "guitar"), (0x1F941, "drum"),
    (0x26BD, "soccer ball"), (0x1F3C0, "basketball"), (0x1F381, "gift"), (0x1F388, "balloon"), (0x1F451, "crown"),
    # signs and faces
    (0x1F308, "rainbow"), (0x2764, "heart"), (0x2B50, "star"), (0x1F600, "smiley"), (0x1F47B, "ghost"),
)

CODEPOINTS = tuple(codepoint for codepoint, _ in CLASSES)
LABELS = tuple(label for _, label in CLASSES)

# Clutter that is none of the classes. Training and evaluation do not share any.
TRAIN_DISTRACTORS = (
    0x1F45F, 0x1F456, 0x1F4CE, 0x1F5FF, 0x1F363, 0x1F36C, 0x1F4A7, 0x1F48E, 0x1F4BB, 0x1F527, 0x1F9F9, 0x1F6AA,
    0x1F9E6, 0x1F3A9, 0x1F40C, 0x1F41B, 0x1F42B, 0x1F336, 0x1F951, 0x1F9C5, 0x1F37F, 0x1F3B2, 0x1F4E6, 0x1F6A6)
EVAL_DISTRACTORS = (
    0x1F4CC, 0x1F9E9, 0x1F35C, 0x1F36D, 0x1F4FA, 0x1F6BF, 0x1F9E4, 0x1F982, 0x1F995, 0x1F9A9, 0x1F954, 0x1F95D,
    0x1F36B, 0x1F37C, 0x1F3B9, 0x1F4B0, 0x1F6A7, 0x1F50B, 0x1F48A, 0x1F6CF)

assert len(CLASSES) == len(set(CODEPOINTS)) == len(set(LABELS)) == 64
