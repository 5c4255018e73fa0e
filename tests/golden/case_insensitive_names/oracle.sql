SELECT orderId, c.customerId AS customer, unitPrice AS p FROM camelOrders c WHERE c.itemCount IS NOT NULL
