SELECT * FROM visits;
