# Bucket, region and KMS key come from `bootstrap`, the key is the environment's:
# terraform init -backend-config=bucket=... -backend-config=region=... -backend-config=kms_key_id=... -backend-config=key=dev.tfstate
terraform {
  backend "s3" {
    encrypt      = true
    use_lockfile = true
  }
}
