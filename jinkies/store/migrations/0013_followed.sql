-- What became of a pull request or an issue that is there is followed from now on; see jinkies.store.writer.work_column.
UPDATE alerts SET work = 'followed'
WHERE work IS NULL AND instr(CAST(image AS TEXT), '"state":"done"')
  AND 'done' IN (CAST(image AS TEXT) ->> '$.pull_request.state', CAST(image AS TEXT) ->> '$.issue.state');
