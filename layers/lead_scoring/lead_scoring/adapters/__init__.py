"""The world behind the ports: DynamoDB, S3, XGBoost, the clock. Imported by `bootstrap` only."""
