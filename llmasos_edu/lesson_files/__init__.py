"""Lessons as files: the learner's copies, and running them in place so that a second run leaves no diff.

    python -m llmasos_edu.lesson_files execute notebooks/04_attention.ipynb
    python -m llmasos_edu.lesson_files compare notebooks/*.ipynb         # nbval, strictly

Both run in the same environment: an empty state folder, no bars, fixed threads, and connections to this
machine alone.
"""

from llmasos_edu.lesson_files.copies import clear_outputs, copy_lessons
from llmasos_edu.lesson_files.environment import lesson_environment
from llmasos_edu.lesson_files.executing import compare, execute, needs_real_llm

__all__ = ["clear_outputs", "compare", "copy_lessons", "execute", "lesson_environment", "needs_real_llm"]
