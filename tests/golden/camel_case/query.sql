-- A15: identifiers keep their spelling
SELECT orderId, customerId, unitPrice * itemCount AS lineTotal FROM camel WHERE itemCount > 1
WITH (
    'camel.type' = 'file_source', 'camel.path' = 'inputs/camel.jsonl',
    'camel.schema' = 'orderId BIGINT, customerId BIGINT, unitPrice DECIMAL(10,2), itemCount BIGINT, shipTo STRUCT<streetName VARCHAR, zipCode VARCHAR>'
)
