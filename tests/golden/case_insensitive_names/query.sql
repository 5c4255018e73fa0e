-- A15: a name in another case is found when only one fits
SELECT ORDERID, c.customerid AS customer, UnitPrice AS p FROM camelOrders c WHERE c.itemcount IS NOT NULL
WITH ('camelOrders.type' = 'file_source', 'camelOrders.path' = 'inputs/camel.jsonl',
      'camelOrders.schema' = 'orderId BIGINT, customerId BIGINT, unitPrice DECIMAL(10,2), itemCount BIGINT, shipTo STRUCT<streetName VARCHAR, zipCode VARCHAR>')
