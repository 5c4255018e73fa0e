SELECT a 'b\''c', d.'e\''f', X'0f' FROM 't', 'u\''''v' 'w\''x'
