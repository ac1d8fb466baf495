import base64
import io
import subprocess
import sys
import warnings

import numpy as np
import pytest
from PIL import Image

from llmasos_edu import plots
from llmasos_edu.plots import base, charts

STEPS = np.arange(0, 201, 5)
TOKENS = ["Mia", " had", " a", " red", " kite"]
CAUSAL = np.tril(np.ones((5, 5), dtype=bool))
WEIGHTS = CAUSAL / CAUSAL.sum(axis=1, keepdims=True)


def examples():
    rng = np.random.default_rng(0)
    return {
        "bars": plots.bars([" kite", " drum"], [0.785, 0.005], title="After: the red", highlight=" kite"),
        "many bars": plots.bars([f"w{i}" for i in range(20)], rng.normal(size=20), title="twenty"),
        "lines": plots.lines(
            STEPS, {"bigram": 3 + np.exp(-STEPS / 40), "trigram": 2 + np.exp(-STEPS / 40)}, title="Loss",
            x_name="step", y_name="nats", log_y=True, levels={"floor": 1.5},
        ),
        "small heat": plots.heatmap(WEIGHTS, TOKENS, title="Weights", looks=True, shown=CAUSAL),
        "large heat": plots.heatmap(rng.random((64, 64)), [f"t{i}" for i in range(64)], title="T = 64"),
        "histogram": plots.histogram({"d = 4": rng.normal(size=99)}, title="q · k", x_name="q · k"),
        "plane": plots.scatter(rng.normal(size=4), rng.normal(size=4), ["a", "b", "c", "她"], title="Plane",
                               groups=["x", "x", "y", "y"]),
    }  # fmt: skip


@pytest.mark.parametrize("name", examples())
def test_every_plot_has_picture_alt_text_and_twin(name):
    plot = examples()[name]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        png = plot.png()
    assert png == plot.png() == examples()[name].png()
    assert len(png) < 40_000
    assert 3 <= len(plot.twin().splitlines()) <= 12
    assert plot.alt.endswith(".")
    assert "\n" not in plot.alt
    corner = Image.open(io.BytesIO(png)).convert("RGBA").getpixel((0, 0))
    assert corner == (255, 255, 255, 255)  # opaque and light: the ink is dark, whatever the page's theme
    assert repr(plot) == f"{plot.alt}\n{plot.twin()}"


def test_display_shows_the_picture_with_alt_text_then_the_twin(monkeypatch, capsys):
    sent = []
    monkeypatch.setattr("IPython.display.display", lambda *a, **k: (sent.append((a, k)), print("PICTURE")))
    plot = examples()["bars"]
    plot._ipython_display_()
    ((data,), how) = sent[0]
    assert how["metadata"]["image/png"]["alt"] == plot.alt == data["text/plain"]
    assert data["image/png"] == plot.png()
    assert (
        how["metadata"]["image/png"]["width"] == 595
    )  # 6.2 inches: sharp on a fine screen, the same size on all
    assert capsys.readouterr().out == f"PICTURE\n{plot.twin()}\n"


def test_in_a_notebook_the_output_is_as_the_contract_wants_it():
    """Through IPython's real machinery: bytes become base64, metadata survive."""
    from IPython.core.interactiveshell import InteractiveShell
    from IPython.utils.capture import capture_output

    shell = InteractiveShell.instance()
    with capture_output() as captured:
        shell.run_cell(
            "from llmasos_edu import plots; plots.bars(['a'], [1.0], title='one')", store_history=False
        )
    (output,) = captured.outputs
    png = output.data["image/png"]
    assert (png if isinstance(png, bytes) else base64.b64decode(png)).startswith(b"\x89PNG")
    assert output.metadata["image/png"]["alt"] == "Bars: one. The longest is a, P 1.00."
    assert "word     P" in captured.stdout
    InteractiveShell.clear_instance()


def test_bars_twin():
    assert examples()["bars"].twin().splitlines() == [
        "word         P", "-----  -------", "·kite    0.785", "·drum  0.00500",
    ]  # fmt: skip


def test_lines_twin_is_sampled_evenly_and_alt_tells_the_ends():
    plot = examples()["lines"]
    assert [row[0] for row in plot.rows][:2] == [0, 20]
    assert plot.rows[-1][0] == 200
    assert plot.alt == "Lines: Loss. bigram ends at 3.01; trigram ends at 2.01."


def test_a_small_heatmap_is_its_own_twin_and_masked_cells_are_empty():
    plot = examples()["small heat"]
    assert plot.twin().splitlines()[2:4] == ["Mia     1.00", "·had   0.500  0.500"]
    assert plot.alt == "Heat map: Weights. ·kite looks most at Mia, 0.200."


def test_a_large_heatmap_tells_where_each_row_is_largest():
    matrix = np.zeros((20, 20))
    matrix[np.arange(20), np.arange(20)[::-1]] = 1
    plot = plots.heatmap(matrix, [f"t{i}" for i in range(20)], title="reversed")
    assert plot.rows[0] == ["0 t0", "19 t19", 1.0]
    assert plot.rows[-1] == ["19 t19", "0 t0", 1.0]


def test_histogram_counts_what_lies_outside_in_the_outermost_bins():
    plot = plots.histogram({"x": [-9, 0.1, 0.2, 9]}, title="t", x_name="x", bins=2, limits=(0.0, 1.0))
    assert [row[1] for row in plot.rows] == [0.75, 0.25]


def test_curve_labels_keep_apart():
    placed = charts._apart([0.1, 0.11, 0.12, 0.99, 1.2], 0.075)
    assert (np.diff(placed) >= 0.075 - 1e-12).all()
    assert max(placed) <= 1


NAMES = {"title": "t", "x_name": "x", "y_name": "y"}


@pytest.mark.parametrize(
    ("call", "told"),
    [
        (lambda: plots.bars(["a"], [1, 2], title="t"), "1 to 20 labels and as many values; got 1 and 2"),
        (lambda: plots.bars(["a"], [np.nan], title="t"), "values must be a row of finite numbers"),
        (lambda: plots.lines([1, 2], {"a": [1]}, **NAMES), r"'a' must have shape \(2,\)"),
        (lambda: plots.lines([1, 2], {}, **NAMES), "1 to 7 curves; got 0"),
        (lambda: plots.heatmap(np.eye(3), ["a"], title="t"), r"shape \(1, 1\), as the labels say; got \(3,"),
        (lambda: plots.heatmap(np.eye(2), ["a", "b"], title="t", shown=np.zeros((2, 2))), "True somewhere"),
        (lambda: plots.histogram({}, title="t", x_name="x"), "1 to 7 groups"),
        (lambda: plots.scatter([1], [1, 2], ["a"], title="t"), "as many x, y, labels"),
        (lambda: plots.tinted_words(["a"], [1, 2], title="t"), "one finite value a word"),
        (lambda: plots.Plot(base.new_figure(1.0, 1.0)[0], "", ["a"], [["x"]] * 11), "at most 10 rows"),
    ],
)  # fmt: skip
def test_bad_input_is_refused(call, told):
    with pytest.raises(ValueError, match=told):
        call()


def test_without_a_cjk_font_the_label_becomes_its_number(monkeypatch):
    _, characters = base._fonts()
    latin = frozenset(c for c in characters if c < 0x3000)
    monkeypatch.setattr(base, "_fonts", lambda: (["DejaVu Sans"], latin))
    assert base.drawable(["kite", "风筝", " 鼓"])[0] == ["kite", "#2", "#3"]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        plot = plots.bars(["风筝", "鼓"], [0.9, 0.1], title="红色的")
        plot.png()
    assert "风筝" in plot.twin()


def test_characters_that_no_font_has_warn_nobody():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        plots.bars(["\U0001faf6", "$x$", "a\nb"], [1, 2, 3], title="50 % of $5 \U0001faf6").png()


def test_tinted_words_escape_and_carry_numbers():
    words = plots.tinted_words(["<b>", " kite", "风筝"], [0.1, 3.2, -1], title="a < b")
    html = words.to_html()
    assert "&lt;b&gt;" in html
    assert "a &lt; b" in html
    assert "<b>" not in html
    assert "kite<sub>3.2</sub>" in html
    assert "<span>风筝</span>" in html
    assert words.twin().splitlines()[2:] == [
        "    1  <b>    0.100",
        "    2  ·kite   3.20",
        "    3  风筝   -1.00",
    ]


def _luminance(rgb):
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in (v / 255 for v in rgb)]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_dark_text_on_the_full_tint_keeps_a_contrast_of_4_5():
    """WCAG 2.2, 1.4.3: 4.5 : 1 for text; 1.4.11: 3 : 1 for what a picture needs."""
    from llmasos_edu.plots.words import FULL

    assert (_luminance(FULL) + 0.05) / (_luminance((0x11,) * 3) + 0.05) > 4.5
    for colour in plots.COLOURS[:4]:
        rgb = tuple(bytes.fromhex(colour[1:]))
        assert 1.05 / (_luminance(rgb) + 0.05) > 2.9, colour


def test_drawing_never_touches_pyplot_nor_prints():
    code = (
        "import sys; from llmasos_edu import plots; assert 'matplotlib' not in sys.modules;"
        "plots.bars(['红'], [1.0], title='t').png(); assert 'matplotlib.pyplot' not in sys.modules"
    )
    done = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
