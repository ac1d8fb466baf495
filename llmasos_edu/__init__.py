"""LLMasOS Edu: the tested reference implementations behind the lessons.

Importing this package does nothing: no print, no seed, no download. Modules stand in rows and import
only from rows below their own (see CONTRIBUTING.md).
"""

__version__ = "0.1.0"
