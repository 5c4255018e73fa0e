CREATE STREAM long AS SELECT * FROM rides WHERE km > 30 INTO far WITH ('far.type' = 'file_sink', 'far.path' = 'x/{date}.csv')
