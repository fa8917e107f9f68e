"""Tests of the documentation as a whole: worked pages, the reference, the commands, the links."""
