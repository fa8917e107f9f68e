"""The endpoint: an OpenAI-compatible server whose models are pools.

`settings` has every limit with its default, `app` the routes, `chat` and `answering` what becomes
of a request, `running` the process; `wire` is the wire format, without I/O.
"""
