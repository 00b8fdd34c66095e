"""What figures look like: colours, lengths in points, fonts."""

# One meaning a colour, on every figure and in every bar of HTML. Parts of a bar stand beside each
# other in this order, each lighter by 0.12 of relative luminance or more: they are told apart in
# grey print, and by those who see no colours.
WENT_ON = "#0a5486"  # went on, bought, reached with evidence
NOT_ASKED = "#e8833a"  # lost, and the step was never proposed
ASKED = "#c3cad2"  # lost, though it was proposed
UNKNOWN = "#dadfe4"  # lost, and whether it was proposed cannot be seen, or is not told there
OPEN = "#eceff2"  # still open
UNSEEN = "#9cc3de"  # reached, but the evidence is missing, or is the manager's word alone
ACCENT = "#b84a00"  # look here: the largest loss, worse than the others, not proposed (rings)
PALE_ACCENT = "#fdf0e7"  # within its outline
INK, MUTED = "#1d2733", "#5b6776"  # texts; also marks that mean none of the above
TRACK = "#f3f5f7"  # behind marks, as long as the scale
GROUND = "#ffffff"  # light behind a dark notebook, too: the colours above are made for it

WIDTH = 403.2  # shown at 400 px, a point is about a pixel
WIDEST = 640  # pixels that a figure is wide at most
PAD = 5  # around the figure
ROOM = WIDTH - 2 * PAD
TEXT, SMALL, TITLE = 11, 10, 12.5
LINE, TITLE_LINE, SMALL_LINE = 15, 16, 13  # from a line of text to its next
BAR, STRIP, GAP = 15, 4, 9
UNDER = 12  # from the top to a first baseline
CHART = 200  # a chart with numbers along both axes is high
THIN = 0.005  # intervals of shares thinner than this (2 points) are not drawn

# Texts stay texts, in the font of the page that shows them. They are measured in the first font,
# which comes with matplotlib, has Cyrillic, and is as wide as any that pages use: no text is wider
# than it was measured, on whichever machine.
FONT = "DejaVu Sans"
STYLE = {
    "font.family": ["sans-serif"], "font.sans-serif": [FONT], "svg.fonttype": "none",
    "font.size": TEXT, "text.color": INK, "text.parse_math": False, "text.usetex": False,
    "figure.facecolor": "none", "axes.facecolor": "none", "svg.hashsalt": "funnel_lib",
}  # fmt: skip
