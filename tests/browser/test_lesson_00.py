"""Lesson 00 in real JupyterLab: the forking list by mouse and by keyboard, no leaked key, nothing outside."""

from pathlib import Path

import pytest

from llmasos_edu import real_llm

NOTEBOOK = Path(__file__).resolve().parents[2] / "notebooks" / "00_start_here.ipynb"


@pytest.fixture(scope="module")
def lesson(desk):
    with desk.notebook(NOTEBOOK) as notebook:
        notebook.run("set-up", "fork")
        yield notebook


@pytest.fixture
def fork(lesson):
    """The widget at its beginning."""
    lesson.python("fork.back()")
    host = lesson.widget("fork")
    host.get_by_text("Nothing chosen yet").wait_for()
    return host


def options(fork):
    return fork.get_by_role("option")


def moved(lesson, fork, act):
    """Do something, wait until the widget has drawn the kernel's answer, give what the kernel knows."""
    before = int(lesson.python("print(fork.seq)"))
    act()
    lesson.page.wait_for_function("host => host.shadowRoot.querySelector('[aria-busy=true]') === null",
                                  arg=fork.element_handle())  # fmt: skip
    for _ in range(100):
        if int(lesson.python("print(fork.seq)")) > before:
            break
        lesson.page.wait_for_timeout(50)
    lesson.page.wait_for_timeout(100)
    return lesson.python("print(fork.full_text)")


@pytest.mark.real_llm
def test_a_click_lets_the_text_go_on_and_another_one_forks_it(lesson, fork):
    assert options(fork).count() == 10
    assert options(fork).first.text_content().startswith("·filled")
    but = fork.get_by_role("option", name="but")
    assert moved(lesson, fork, but.click) == "The world is a beautiful place, but"
    assert moved(lesson, fork, options(fork).first.click).endswith(", but it")
    product = lesson.python("print(f'{fork.probability:.3g}')")
    assert product in fork.locator(".odds").text_content()
    # back before "it", and another word: the text forks
    assert moved(lesson, fork, fork.locator(".chosen").nth(1).click).endswith(", but")
    assert moved(lesson, fork, options(fork).nth(1).click) != "The world is a beautiful place, but it"
    branch = fork.locator(".branch")
    assert branch.count() == 1
    assert moved(lesson, fork, branch.click) == "The world is a beautiful place, but it"


@pytest.mark.real_llm
def test_by_keyboard_alone(lesson, fork):
    first = options(fork).first
    first.focus()
    first.press("ArrowDown")
    second = fork.locator("[role=option]:focus")
    assert second.text_content().startswith("·full")
    assert moved(lesson, fork, lambda: second.press("Enter")).endswith(" full")
    focused = fork.locator("[role=option]:focus")  # the hand stays on the new list
    assert moved(lesson, fork, lambda: focused.press("Enter")).endswith(" full of")
    back = fork.get_by_role("button", name="back one word")
    assert moved(lesson, fork, lambda: back.press("Enter")).endswith(" full")
    summary = lesson.python("print(fork.summary)")
    assert "1 word chosen" in summary
    told = fork.get_by_role("status").filter(has_text="1 word chosen")  # spoken at most twice a second
    told.wait_for(state="attached")


@pytest.mark.real_llm
def test_no_key_leaks(lesson, fork):
    assert lesson.leaks(options(fork).first) == ""
    assert lesson.leaks(fork.get_by_role("button", name="back one word")) == ""


@pytest.mark.real_llm
def test_the_focus_stays_in_the_widget_when_what_holds_it_goes_away(lesson, fork):
    """A key after it would otherwise reach the notebook: "b" adds a cell."""
    moved(lesson, fork, options(fork).first.click)
    moved(lesson, fork, lambda: fork.locator(".chosen").press("Enter"))
    assert fork.locator("[role=option]:focus").count() == 1
    again = fork.get_by_role("button", name="start again")
    again.press("Enter")
    assert fork.locator("button:focus").text_content() == "start again"
    moved(lesson, fork, options(fork).nth(1).click)
    moved(lesson, fork, lambda: again.press("Enter"))
    moved(lesson, fork, lambda: fork.locator(".branch").last.press("Enter"))
    assert fork.locator("[role=option]:focus").count() == 1


@pytest.mark.real_llm
def test_three_words_leave_almost_no_doubt():
    """The answer to the lesson's question to the widget."""
    prompt = "The world is a beautiful place,"
    sure = [w for w, _ in real_llm.next_words(prompt) if real_llm.next_words(prompt + w, top=1)[0][1] > 0.99]
    assert sure == [" filled", " full", " teeming"]


@pytest.mark.real_llm
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing(lesson, fork, theme):
    moved(lesson, fork, options(fork).first.click)
    lesson.theme(theme)
    assert lesson.violations(fork) == []


@pytest.mark.real_llm
def test_a_model_that_fails_is_told_in_the_widget(lesson, fork):
    lesson.python("fork._ask = lambda text: 1 / 0")
    fork.get_by_role("option", name="teeming").click()
    fork.get_by_role("alert").wait_for()
    assert "ZeroDivisionError" in fork.get_by_role("alert").text_content()
    lesson.python("fork._ask = real_llm.next_words")


def test_numbers_are_written_as_in_python(js):
    assert js("forking_list", "productOf", [["a", 0.5], ["b", 0.25]]) == 0.125
    assert js("forking_list", "oddsOf", 0.0000321) == "0.0000321, 1 in 31,153"
    assert js("forking_list", "oddsOf", 0) == "0.00"
    assert js("forking_list", "sharedOf", [["a", 0.5], ["b", 0.1]], [["a", 0.5], ["c", 0.1]]) == 1
