"""The paper's tables and figures, run again on any pool (arXiv 2510.05077).

`figures` has the paper's numbers, `exhibits` what each table and figure needs, `planning` which
draws that takes, `tables` the samples, and the others compute: `methods` (table 1), `pairs` (2),
`scaling` (3, 4, figure 9) and `sizes` (figures 7, 8). Everything comes to a `section` of one task.
"""
