"""What figures look like: colours, lengths in points, fonts."""

# Okabe and Ito's colours (https://jfly.uni-koeln.de/color/), the accent darkened until white text
# on it, and it on white, has a contrast above 4.5.
BLUE, LIGHT, ACCENT = "#0072b2", "#b5d7ee", "#b84a00"
GREY, INK, MUTED, PALE = "#b9bec4", "#1f2328", "#5b636b", "#f1f3f5"

WIDTH = 403.2  # shown at 400 px, a point is about a pixel
PAD = 5  # around the figure
TEXT, SMALL, TITLE = 11, 10, 12.5
LINE, TITLE_LINE, SMALL_LINE = 15, 16, 13  # from a line of text to its next
BAR, STRIP, GAP = 15, 4, 9
UNDER = 12  # from the top to a first baseline
CHART = 200  # a chart with numbers along both axes is high
THIN = 0.005  # intervals of shares thinner than this (2 points) are not drawn

# The first comes with matplotlib and has Cyrillic: the same widths on every machine that makes
# figures. Texts stay text, so that they can be found and read out; who lacks the first font has
# most likely the second, whose letters are as wide.
FONT = "DejaVu Sans"
STYLE = {
    "font.family": ["sans-serif"], "font.sans-serif": [FONT, "Verdana"], "svg.fonttype": "none",
    "font.size": TEXT, "text.color": INK, "text.parse_math": False, "text.usetex": False,
    "hatch.linewidth": 0.8, "figure.facecolor": "white", "axes.facecolor": "white",
    "svg.hashsalt": "funnel_lib",
}  # fmt: skip
