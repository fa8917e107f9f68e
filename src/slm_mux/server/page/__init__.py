"""The page: a form to ask a pool with, the draws as they arrive, and why an answer won.

HTML that this server renders, one style sheet and one small script; nothing is asked of any other
server, and everything but the live view works without the script.
"""
