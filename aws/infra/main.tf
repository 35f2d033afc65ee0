# The ground of one environment. Each module holds one concern; what they share is said here once.

provider "aws" {
  region            = var.region
  max_retries       = var.api_max_retries
  s3_use_path_style = var.s3_path_style

  default_tags {
    tags = local.tags
  }
}

# AWS publishes estimated charges in this region only.
provider "aws" {
  alias       = "billing"
  region      = "us-east-1"
  max_retries = var.api_max_retries

  default_tags {
    tags = local.tags
  }
}

data "aws_caller_identity" "current" {}

data "aws_partition" "current" {}

locals {
  name      = "${var.project}-${var.environment}"
  account   = data.aws_caller_identity.current.account_id
  partition = data.aws_partition.current.partition
  place     = { region = var.region, account = local.account, partition = local.partition }
  tags = {
    Project     = var.project
    Environment = var.environment
    Owner       = var.owner
    ExpiresAt   = var.expires_at
  }

  # What people and programs of other folders rely on, kept where both read it.
  metrics        = jsondecode(file("${path.module}/../metrics.json"))
  feature_groups = jsondecode(file("${path.module}/../feature-groups.json"))
  athena_ddl     = file("${path.module}/../../docs/athena.sql")

  namespace  = "retail-forecast"
  tasks      = ["arrival", "basket", "coarse", "flat"]
  trail_name = "${local.name}-audit"
}

module "network" {
  source = "./modules/network"

  name                = local.name
  place               = local.place
  vpc_cidr            = var.vpc_cidr
  zones               = var.zones
  nat_gateways        = var.nat_gateways
  interface_endpoints = var.interface_endpoints
  log_retention_days  = var.log_retention_days
  logs_key_arn        = module.security.key_arns["logs"]
}

module "security" {
  source = "./modules/security"

  name               = local.name
  place              = local.place
  trail_name         = local.trail_name
  audit_bucket       = module.lake.audit_bucket
  data_bucket_arns   = var.audit_data_events ? [module.lake.bucket_arns["lake"], module.lake.bucket_arns["artifacts"]] : []
  log_retention_days = var.log_retention_days
  key_deletion_days  = var.key_deletion_days
}

module "lake" {
  source = "./modules/lake"

  name                 = local.name
  place                = local.place
  trail_name           = local.trail_name
  data_key_arn         = module.security.key_arns["data"]
  audit_key_arn        = module.security.key_arns["audit"]
  audit_lock_mode      = var.audit_lock_mode
  audit_lock_days      = var.audit_lock_days
  audit_retention_days = var.audit_retention_days
  superseded_days      = var.superseded_days
  raw_archive_days     = var.raw_archive_days
  protect_data         = var.protect_data
}

module "catalog" {
  source = "./modules/catalog"

  name            = local.name
  ddl             = local.athena_ddl
  lake_uri        = module.lake.uris["lake"]
  results_uri     = "${module.lake.uris["artifacts"]}/athena"
  code_uri        = "${module.lake.uris["artifacts"]}/code"
  data_key_arn    = module.security.key_arns["data"]
  logs_key_arn    = module.security.key_arns["logs"]
  glue_role_arn   = module.identity.role_arns["glue"]
  scan_limit_gb   = var.athena_scan_limit_gb
  release         = var.release
  saved_queries   = var.saved_queries
  etl_schedule    = var.etl_schedule
  etl_workers     = var.etl_workers
  log_group_names = module.observability.log_group_names
}

module "features" {
  source = "./modules/features"

  name           = local.name
  groups         = local.feature_groups
  feature_groups = var.feature_groups
  data_key_arn   = module.security.key_arns["data"]
  offline_uri    = "${module.lake.uris["artifacts"]}/feature-store"
  role_arn       = module.identity.role_arns["sagemaker"]
  protect_data   = var.protect_data
}

module "training" {
  source = "./modules/training"

  name                   = local.name
  place                  = local.place
  tasks                  = var.model_package_groups ? local.tasks : []
  role_arn               = module.identity.role_arns["sagemaker"]
  instance_types         = var.training_instance_types
  max_hours              = var.training_max_hours
  data_key_arn           = module.security.key_arns["data"]
  private_subnet_ids     = module.network.private_subnet_ids
  jobs_security_group_id = module.network.jobs_security_group_id
}

module "registry" {
  source = "./modules/registry"

  name        = local.name
  key_arn     = module.security.key_arns["images"]
  images_kept = var.images_kept
}

module "cluster" {
  source = "./modules/cluster"

  name               = local.name
  place              = local.place
  kubernetes_version = var.kubernetes_version
  private_subnet_ids = module.network.private_subnet_ids
  public_subnet_ids  = module.network.public_subnet_ids
  public_cidrs       = var.cluster_public_cidrs
  secrets_key_arn    = module.security.key_arns["cluster"]
  logs_key_arn       = module.security.key_arns["logs"]
  log_retention_days = var.log_retention_days
  addon_versions     = var.addon_versions
  addon_role_arns    = module.identity.addon_role_arns
  admin_arns         = var.cluster_admin_arns
  ci_role_arn        = module.identity.ci_role_arn
  ci_enabled         = var.ci_oidc != null
  namespace          = local.namespace
  serving_nodes      = var.serving_nodes
  job_nodes          = var.job_nodes
  tags               = local.tags
}

module "identity" {
  source = "./modules/identity"

  name                    = local.name
  place                   = local.place
  namespace               = local.namespace
  cluster_name            = local.name
  oidc_issuer_url         = module.cluster.oidc_issuer_url
  oidc_provider_arn       = module.cluster.oidc_provider_arn
  vpc_id                  = module.network.vpc_id
  private_subnet_ids      = module.network.private_subnet_ids
  jobs_security_group_id  = module.network.jobs_security_group_id
  nodes_security_group_id = module.cluster.security_group_id
  bucket_arns             = module.lake.bucket_arns
  data_key_arn            = module.security.key_arns["data"]
  repository_arns         = module.registry.repository_arns
  metric_namespace        = module.observability.metric_namespace
  launch_policy_arn       = module.training.launch_policy_arn
  score_policy_arn        = module.training.score_policy_arn
  ci_oidc                 = var.ci_oidc
}

module "observability" {
  source = "./modules/observability"

  name               = local.name
  place              = local.place
  environment        = var.environment
  metrics            = local.metrics
  namespace          = local.namespace
  logs_key_arn       = module.security.key_arns["logs"]
  alerts_key_arn     = module.security.key_arns["alerts"]
  log_retention_days = var.log_retention_days
  trail_log_group    = module.security.trail_log_group
  alert_emails       = var.alert_emails
  load_balancer      = var.load_balancer
  composite_alarm    = var.composite_alarm
}

module "cost" {
  source = "./modules/cost"

  providers = {
    aws         = aws
    aws.billing = aws.billing
  }

  name                 = local.name
  place                = local.place
  project              = var.project
  budget_usd_month     = var.budget_usd_month
  alert_topic_arn      = module.observability.topic_arn
  alert_emails         = var.alert_emails
  billing_alarm        = var.billing_alarm
  cost_allocation_tags = var.cost_allocation_tags ? toset(keys(local.tags)) : []
  office_hours         = var.office_hours
  cluster_name         = module.cluster.name
  node_groups          = module.cluster.node_groups
  key_deletion_days    = var.key_deletion_days
}

module "edge" {
  source = "./modules/edge"
  count  = var.domain_name == "" ? 0 : 1

  domain_name    = var.domain_name
  hosted_zone_id = var.hosted_zone_id
}
