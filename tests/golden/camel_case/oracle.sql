SELECT "orderId", "customerId", "unitPrice" * "itemCount" AS "lineTotal" FROM camel WHERE "itemCount" > 1
