"""The OpenAI chat format as a server speaks it: pure functions, without any I/O.

names      what models are called: `mux[@POOL][+METHOD][:KIND]`, and the pool's members
request    the body and the X-Mux-Set-* headers of a chat request, checked: `parse_chat`
reply      a decision as a chat completion, whole or in chunks
errors     what went wrong, as OpenAI's clients expect to read it
openapi    the API's own description, from the tables that requests are checked by
"""
