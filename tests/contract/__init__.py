"""Harbor's wire contract, and tests that hold the REST API to it.

`harbor.json` is the contract as data: the facts of Harbor's `api/v2.0/swagger.yaml` at version 2.16.0 (paths, parameters,
statuses, headers and types, without its prose), one operation or definition a line. `schema.py` validates an answer
against it, `walk.py` calls operations by their id. The modules named after a tag walk the operations of that tag;
`test_walk.py` proves that none was left out.
"""
