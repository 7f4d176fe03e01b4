ARG A
FROM ${A:?needed}
