# What dev and prod leave as it is.
region      = "ap-southeast-3"
project     = "till-forecast"
environment = "staging"
owner       = "Team Tills"
expires_at  = "2027-06-30"

api_max_retries = 5
s3_path_style   = true

vpc_cidr            = "10.80.0.0/18"
zones               = 3
nat_gateways        = "per_zone"
interface_endpoints = ["sts", "sagemaker.api"]
domain_name         = "prices.example.com"
hosted_zone_id      = "Z0123456789ABCDEFGHIJ"

ci_oidc = {
  issuer_url = "https://ci.example.com"
  audience   = "sts.amazonaws.com"
  subjects   = ["repository:retail-forecast:ref:main"]
}

saved_queries        = false
model_package_groups = false
release              = "0.2.0"
etl_workers          = 4

kubernetes_version   = "1.36"
cluster_public_cidrs = ["203.0.113.0/24"]
cluster_admin_arns   = ["arn:aws:iam::123456789012:role/administrators"]
addon_versions       = {}

load_balancer        = "app/k8s-retail/0123456789abcdef"
cost_allocation_tags = true
