"""What is done next, apart from clock and database: what is known goes in, what to do comes out.

`genarris_fw.farm.replica` and `genarris_fw.farm.roles` gather what is known, ask here, and carry the answer out.
"""
